"""The files for a pull request to Airbyte's repository: what is altered on their way there."""

from __future__ import annotations

import re
import tempfile
import unittest
from pathlib import Path

import contribution

ROOT = Path(__file__).resolve().parents[2]


class TestContribution(unittest.TestCase):
    """The files as they are written."""

    def setUp(self) -> None:
        """Writes them into an empty folder."""
        self.target = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.files = [str(path) for path in contribution.write(ROOT, self.target)]
        self.connector = self.target / "airbyte-integrations/connectors/source-trino"

    def test_the_files_are_where_airbyte_looks_for_them(self) -> None:
        """A Dockerfile or a pyproject.toml would make its tools build the connector themselves."""
        self.assertIn("docs/integrations/sources/trino.md", self.files)
        self.assertIn("airbyte-integrations/connectors/source-trino/sample_files/configured_catalog.json", self.files)
        present = {path.name for path in self.connector.iterdir()}
        self.assertEqual(present, {*contribution.CONNECTOR_FILES, "sample_files"})

    def test_the_metadata_names_the_page_at_airbyte(self) -> None:
        """And nothing else of it is altered."""
        ours = (ROOT / "metadata.yaml").read_text().splitlines()
        theirs = (self.connector / "metadata.yaml").read_text().splitlines()
        altered = [new for old, new in zip(ours, theirs, strict=True) if old != new]
        self.assertEqual(altered, [f"  documentationUrl: {contribution.PAGE_AT_AIRBYTE}"])

    def test_no_page_links_to_a_file_that_is_not_there(self) -> None:
        """Links are whole addresses, or lead to a heading of the same page."""
        for page in (self.target / "docs/integrations/sources/trino.md", self.connector / "README.md"):
            links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
            self.assertGreater(len(links), 10)
            self.assertEqual([link for link in links if not re.match(r"https://|#", link)], [])


class TestLinks(unittest.TestCase):
    """Each kind of link."""

    def test_links_become_addresses_of_what_they_led_to(self) -> None:
        """From the folder of the page, also upwards."""
        for link, whole in (
            ("image.md", "https://project/blob/main/docs/image.md"),
            ("image.md#known", "https://project/blob/main/docs/image.md#known"),
            ("../README.md", "https://project/blob/main/README.md"),
            ("#reference", "#reference"),
            ("https://trino.io", "https://trino.io"),
        ):
            with self.subTest(link=link):
                text = contribution.with_whole_links(f"See [it]({link}).", "https://project", "docs/")
                self.assertEqual(text, f"See [it]({whole}).")


if __name__ == "__main__":
    unittest.main()
