"""`make release-check` fails for each kind of disagreement: a check that cannot fail proves nothing.

Every test alters one place of a copy of the project's files and wants exactly one sentence about it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import unittest
from pathlib import Path

import agreement
import changelog

ROOT = Path(__file__).resolve().parents[2]
FILES = ("Cargo.toml", "Cargo.lock", "Dockerfile", "metadata.yaml", "pyproject.toml", "spec.json")

VERSION = agreement.version(ROOT)
IMAGE = f"source-trino:{VERSION}"


class Copy(unittest.TestCase):
    """A copy of the files that are compared."""

    def setUp(self) -> None:
        """A new copy for each test, with the changelog dated as the present one is."""
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.root / "docs").mkdir()
        for file in (*FILES, *(str(page.relative_to(ROOT)) for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))):
            shutil.copy(ROOT / file, self.root / file)

    def alter(self, file: str, old: str, new: str, times: int = 1) -> None:
        """Replaces a text, which must be there."""
        text = (self.root / file).read_text()
        self.assertIn(old, text, f"{file} has changed: this test alters nothing any more")
        (self.root / file).write_text(text.replace(old, new, times))

    def date(self, date: str) -> None:
        """Dates the newest section of both changelogs."""
        present = changelog.newest(self.root).date
        self.alter("CHANGELOG.md", f"## {VERSION} ({present})", f"## {VERSION} ({date})")
        table = {changelog.UNRELEASED: "not released"}
        self.alter(
            "docs/trino.md",
            f"| {VERSION} | {table.get(present, present)} |",
            f"| {VERSION} | {table.get(date, date)} |",
        )


class TestDisagreements(Copy):
    """Each kind, by the file that is wrong."""

    def assert_told(self, sentence: str, tag: str | None = None) -> None:
        """One disagreement, which says this."""
        found = agreement.disagreements(self.root, tag)
        self.assertEqual(len(found), 1, found)
        self.assertIn(sentence, found[0])

    def test_the_files_as_they_are_agree(self) -> None:
        """So every sentence of the other tests comes from what they have altered."""
        self.assertEqual(agreement.disagreements(ROOT), [])
        self.assertEqual(agreement.disagreements(self.root), [])

    def test_one_place_with_another_version_is_told(self) -> None:
        """The version is altered at one place at a time, and the sentence names the file and what is wrong there."""
        for file, old, sentence in (
            (
                "Cargo.lock",
                f'name = "source-trino"\nversion = "{VERSION}"',
                "Cargo.lock: the version of source-trino is 9.9.9",
            ),
            ("CHANGELOG.md", f"## {VERSION} (", "CHANGELOG.md: the first section is 9.9.9"),
            ("docs/trino.md", f"| {VERSION} | ", "docs/trino.md: the first row of the changelog table is 9.9.9"),
            ("docs/trino.md", f"build -t airbyte/{IMAGE}", "docs/trino.md: the tag of an image is 9.9.9"),
            ("docs/trino.md", f"the tag is `{VERSION}`", "docs/trino.md: the tag of an image is 9.9.9"),
            ("docs/image.md", f"FROM airbyte/{IMAGE}", "docs/image.md: the tag of an image is 9.9.9"),
            ("docs/image.md", f"Docker image tag `{VERSION}`", "docs/image.md: the tag of an image is 9.9.9"),
            (
                "docs/speed-mode.md",
                f"docker_image_tag = '{VERSION}'",
                "docs/speed-mode.md: the tag of an image is 9.9.9",
            ),
            ("docs/airbyte.md", f'"dockerImageTag": "{VERSION}"', "docs/airbyte.md: the tag of an image is 9.9.9"),
            ("docs/airbyte.md", f'docker_image_tag  = "{VERSION}"', "docs/airbyte.md: the tag of an image is 9.9.9"),
            ("README.md", f"-t airbyte/{IMAGE}", "README.md: the tag of an image is 9.9.9"),
            ("README.md", f"**Release:** {VERSION},", "README.md: the release under Status is 9.9.9"),
            ("Dockerfile", f"--tag airbyte/{IMAGE}", "Dockerfile: the tag of an image is 9.9.9"),
            ("metadata.yaml", f"dockerImageTag: {VERSION}", "metadata.yaml: dockerImageTag is 9.9.9"),
        ):
            with self.subTest(file=file, place=old):
                self.setUp()
                self.alter(file, old, old.replace(VERSION, "9.9.9"))
                self.assert_told(f"{sentence}, Cargo.toml says {VERSION}")

    def test_another_version_of_the_package_is_told_at_every_place(self) -> None:
        """What a person who raises the version sees: a list of the places to follow."""
        self.alter("Cargo.toml", f'version = "{VERSION}"', 'version = "9.9.9"')
        told = {sentence.partition(":")[0] for sentence in agreement.disagreements(self.root)}
        wanted = {"Cargo.lock", "CHANGELOG.md", "Dockerfile", "README.md", "docs/speed-mode.md", "metadata.yaml"}
        self.assertLessEqual(wanted | {*agreement.PAGES_WITH_AN_IMAGE}, told)

    def test_a_page_whose_images_cannot_be_seen_is_told(self) -> None:
        """Otherwise a new way to write a tag would end the check of that page without a word."""
        for page in agreement.PAGES_WITH_AN_IMAGE:
            with self.subTest(page=page):
                self.setUp()
                text = (self.root / page).read_text()
                for pattern in agreement.IMAGE_TAGS:
                    text = re.sub(pattern, "", text)
                (self.root / page).write_text(text)
                self.assert_told(f"{page}: names no image with its tag")

    def test_dates_that_differ_are_told(self) -> None:
        """The connector's page and the changelog name the same day."""
        self.date("2026-11-26")
        self.assertEqual(agreement.disagreements(self.root), [])
        self.alter("docs/trino.md", "| 2026-11-26 |", "| 2026-11-27 |")
        self.assert_told("is dated '2026-11-27', CHANGELOG.md says '2026-11-26'")

    def test_a_date_that_is_none_is_told(self) -> None:
        """Airbyte's table and people want a day."""
        self.date("soon")
        self.assert_told("CHANGELOG.md: the first section is dated 'soon'")

    def test_an_empty_changelog_table_is_told(self) -> None:
        """The table is there, and has lost its rows."""
        text = (self.root / "docs/trino.md").read_text()
        (self.root / "docs/trino.md").write_text(text[: text.index(f"| {VERSION} |")])
        self.assert_told("docs/trino.md: the changelog table has no row")

    def test_addresses_that_do_not_follow_the_repository_are_told(self) -> None:
        """`repository` of Cargo.toml is the one place that says where the project is published."""
        for file in ("metadata.yaml", "spec.json"):
            with self.subTest(file=file):
                self.setUp()
                self.alter(file, "/blob/main/docs/trino.md", "/blob/main/docs/other.md")
                self.assert_told(f"{file}: documentationUrl is ")

    def test_another_protocol_version_is_told(self) -> None:
        """metadata.yaml says what `spec` says."""
        self.alter("spec.json", '"protocol_version": "0.2.0"', '"protocol_version": "0.3.0"')
        self.assert_told("metadata.yaml: protocolVersion is 0.2.0, protocol_version of spec.json is 0.3.0")

    def test_a_wheel_with_a_version_of_its_own_is_told(self) -> None:
        """Cargo.toml's version is the wheel's, too."""
        self.alter("pyproject.toml", "[project]\nname", f'[project]\nversion = "{VERSION}"\nname')
        self.assert_told("pyproject.toml: has a version of its own")

    def test_a_wheel_with_another_name_is_told(self) -> None:
        """PyAirbyte finds the program by the package's name."""
        self.alter("pyproject.toml", 'name = "source-trino"', 'name = "airbyte-source-trino"')
        self.assert_told("pyproject.toml: name is airbyte-source-trino")


class TestTag(Copy):
    """What keeps a version from being released."""

    def test_a_dated_version_under_its_tag_is_ready(self) -> None:
        """So every sentence of the other tests comes from what they have altered."""
        self.date("2026-11-26")
        self.assertEqual(agreement.disagreements(self.root, f"v{VERSION}"), [])

    def test_another_tag_is_told(self) -> None:
        """Without v, or of another version."""
        self.date("2026-11-26")
        for tag in (VERSION, "v9.9.9", ""):
            with self.subTest(tag=tag):
                found = agreement.disagreements(self.root, tag)
                self.assertEqual(found, [f"the tag is {tag}, the version of Cargo.toml wants v{VERSION}"])

    def test_a_version_without_a_date_is_told(self) -> None:
        """Nobody has decided to release it."""
        self.date(changelog.UNRELEASED)
        [found] = agreement.disagreements(self.root, f"v{VERSION}")
        self.assertIn("CHANGELOG.md: the first section is unreleased", found)

    def test_a_version_without_notes_is_told(self) -> None:
        """The release's page on GitHub would be empty."""
        self.date("2026-11-26")
        (self.root / "CHANGELOG.md").write_text(
            f"# Changelog\n\n## {VERSION} (2026-11-26)\n\n## 0.0.1 (2025-01-01)\n\n- Old.\n"
        )
        self.assertEqual(
            agreement.disagreements(self.root, f"v{VERSION}"), ["CHANGELOG.md: the first section says nothing"]
        )


class TestNotes(unittest.TestCase):
    """The changelog's part for the release's page."""

    def test_the_notes_are_those_of_the_newest_version_alone(self) -> None:
        """Without its heading, which the page has already."""
        with tempfile.TemporaryDirectory() as folder:
            text = "# Changelog\n\n## 2.0.0 (unreleased)\n\n- New.\n\n### Sub\n\n- More.\n\n## 1.0.0 (2025-01-01)\n"
            (Path(folder) / "CHANGELOG.md").write_text(text)
            newest = changelog.newest(Path(folder))
        self.assertEqual(newest, changelog.Section("2.0.0", "unreleased", "- New.\n\n### Sub\n\n- More."))


if __name__ == "__main__":
    unittest.main()
