"""Lists of addresses and networks."""

import pytest

from policies.networks import Networks


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("203.0.113.5", True),
        ("203.0.113.16", False),
        ("198.51.100.7", True),
        ("198.51.100.8", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("home", False),
        ("", False),
        ("203.0.113.5/32", False),
    ],
)
def test_addresses_are_held_by_number(address: str, held: bool) -> None:
    assert Networks(["203.0.113.0/28", "198.51.100.7", "2001:db8::/32"]).hold(address) is held


def test_an_empty_list_holds_nothing() -> None:
    assert not Networks([]).hold("203.0.113.5")


@pytest.mark.parametrize("written", ["home", "203.0.113.5/28", "203.0.113.0/33", ""])
def test_what_is_no_network_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(ValueError, match=r"write an address or a network, as in 203\.0\.113\.0/28"):
        Networks([written])
