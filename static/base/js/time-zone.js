/** Time zone of the browser, in the field `time_zone` of forms as they are submitted. */

const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();

const fill = ({ target }) => {
  const field = target.elements.namedItem("time_zone");
  if (field) field.value = timeZone;
};
addEventListener("submit", fill, { capture: true });
