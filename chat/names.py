"""What people are called."""

import random

LONGEST_PERSON = 32
LONGEST_USERNAME = 32

# What those are called who have deleted their accounts.
DELETED = "Somebody"

_ADJECTIVES = (
    "Amber Bold Brave Bright Brisk Calm Candid Cheerful Clever Cosy Curious Daring Eager Early Easy "
    "Fair Fleet Gentle Glad Golden Happy Honest Humble Jolly Keen Kind Lively Lucky Mellow Merry "
    "Mild Nimble Noble Patient Plucky Polite Proud Quick Quiet Ready Rosy Serene Shy Silver Snug "
    "Sunny Swift Tidy Warm Wise Witty Young"
).split()
_ANIMALS = (
    "Badger Beaver Bison Bunting Crane Cricket Curlew Deer Dolphin Dove Egret Falcon Finch Fox "
    "Gecko Hare Heron Ibis Jay Kestrel Kiwi Koala Lark Lemur Lynx Magpie Marten Mole Moose Newt "
    "Oriole Osprey Otter Owl Panda Pika Plover Puffin Quail Raven Robin Seal Sparrow Squirrel "
    "Starling Stork Swallow Swan Tapir Tern Thrush Toad Turtle Vole Walrus Wombat Wren Yak"
).split()


def guest_name() -> str:
    return f"{random.choice(_ADJECTIVES)} {random.choice(_ANIMALS)}"
