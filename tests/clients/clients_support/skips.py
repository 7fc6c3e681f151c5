"""The tests of Airbyte's suite that may be skipped, as the table in README.md explains them."""

from __future__ import annotations

import re

import pytest

#: Test and reason, both as patterns. What is skipped otherwise fails.
EXPLAINED = (
    # The config is not listed in the section of `acceptance-test-config.yml` that the test belongs to.
    (r"test_(docker_image_build_and_)?\w+", r"does not run for scenario '\w+': its config is listed under"),
    (r"test_docker_image_spec_backward_compatibility", r"connector registry could not be reached"),
)


def unexplained(item: pytest.Item, reason: str) -> bool:
    """Whether no row of the table explains a skip."""
    name = getattr(item, "originalname", item.name)
    if not re.search(r"/test_(standard|image)_suite\.py$", str(item.path)):
        return True
    return not any(re.fullmatch(test, name) and re.search(why, reason) for test, why in EXPLAINED)
