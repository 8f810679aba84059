/** Exponential backoff with full jitter: clients that fail at the same time do not retry at the same time. */

/**
 * @param {number} failures how many there were before the last one
 * @param {number} first upper limit of the delay after the first failure, doubled with each further one (milliseconds)
 * @param {number} longest upper limit of all delays (milliseconds)
 * @returns {number} a random delay (milliseconds)
 */
export function backoff(failures, first, longest) {
  return Math.random() * Math.min(longest, first * 2 ** failures);
}
