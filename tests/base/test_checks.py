"""System checks."""

import pytest
from django.core.checks import Tags, run_checks
from django.test import override_settings

AWAY = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
    }
}


def test_a_redis_that_answers_is_not_mentioned():
    assert [message.id for message in run_checks() if message.id.startswith("live")] == []


def test_a_redis_that_is_away_is_told_with_what_to_do():
    with override_settings(CHANNEL_LAYERS=AWAY):
        (warning,) = [message for message in run_checks() if message.id == "live.W001"]
    assert "127.0.0.1:1" in warning.msg
    assert "REDIS_URL" in warning.hint


@pytest.mark.parametrize(
    ("trusted", "is_warned"),
    [("", False), ("127.0.0.1", False), ("10.0.0.0/8,::1", False), ("*", True), ("::1, 0.0.0.0/0", True)],
)
def test_trust_in_whatever_anybody_claims_is_warned_of(settings, trusted, is_warned):
    settings.FORWARDED_ALLOW_IPS = trusted
    found = {message.id for message in run_checks(tags=[Tags.security], include_deployment_checks=True)}
    assert ("live.W004" in found) == is_warned
