"""Consumer of the task worker that runs periodic jobs."""

from channels.consumer import AsyncConsumer

from tasks import jobs


class JobWorker(AsyncConsumer):
    """Consumer that runs the periodic jobs that are due."""

    channel_layer_alias = None

    async def jobs_run(self, hint):
        await jobs.run_due()

    purge_run = jobs_run  # sent by processes of the previous version
