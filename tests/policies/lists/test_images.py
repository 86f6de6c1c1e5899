"""The lists about images: what every line must say, and what is derived from it."""

import re
from datetime import date

import pytest

from policies import image, lists, release
from policies.lists.cve_images import CveImages
from policies.lists.deprecated_apis import DeprecatedApis
from policies.lists.end_of_life import Ended, EndOfLife
from policies.lists.well_known_images import Lookalike, WellKnownImages

_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


class TestEndOfLife:
    RELEASES = lists.load(EndOfLife)

    def test_every_release_ended_before_the_list_was_updated(self) -> None:
        today = self.RELEASES.updated
        assert date.fromisoformat(today).isoformat() == today
        for product in self.RELEASES.products:
            for day in (*product.ended.values(), *([product.retired] if product.retired else ())):
                assert _DAY.fullmatch(day), product.product
                assert day <= today, product.product

    def test_every_product_has_a_source_and_says_what_to_use(self) -> None:
        for product in self.RELEASES.products:
            assert product.source.startswith("https://"), product.product
            assert product.use, product.product
            assert bool(product.ended) != bool(product.retired), product.product
            assert set(product.names.values()) <= set(product.ended), product.product
            assert all(release.parse(name) for name in product.ended), product.product

    def test_no_image_is_of_two_products(self) -> None:
        images = [name for product in self.RELEASES.products for name in product.images]
        assert len(images) == len(set(images))
        assert all(name.count("/") == 1 for name in images)

    @pytest.mark.parametrize(
        ("reference", "ended"),
        [
            ("node:16.20-alpine3.18", Ended("Node.js", "16", "2023-09-11", "Node.js 24")),
            ("node:0.10.40", Ended("Node.js", "0.10.40", "2018-04-30 or before", "Node.js 24")),
            ("node:24-alpine3.18", Ended("Alpine", "3.18", "2025-05-09", "Alpine 3.22 or 3.23")),
            ("openjdk:21", Ended("OpenJDK", "", "2022-07", "eclipse-temurin")),
            ("node:24", None),
            ("node", None),
            ("registry.example.com/web:1.0", None),
            ("myaccount/web:1.0-buster", None),
        ],
    )
    def test_what_is_found(self, reference: str, ended: Ended | None) -> None:
        found = image.parse(reference)
        assert found is not None
        assert self.RELEASES.find(found) == ended


class TestCveImages:
    FLAWS = lists.load(CveImages)

    def test_every_flaw_has_a_number_a_source_and_ranges_in_order(self) -> None:
        for flaw in self.FLAWS.flaws:
            assert re.fullmatch(r"CVE-\d{4}-\d{4,}", flaw.cve)
            assert flaw.source.startswith("https://"), flaw.cve
            assert all(name.count("/") == 1 for name in flaw.images), flaw.cve
            edges = [release.parse(edge) for each in flaw.affected for edge in (each.since, each.before)]
            assert edges == sorted(edges), flaw.cve
            assert len(flaw.what) < 80, flaw.cve

    @pytest.mark.parametrize(
        ("reference", "cves"),
        [
            ("solr:8.1.1", ["CVE-2021-44228", "CVE-2019-17558"]),
            ("solr:8.11.0", ["CVE-2021-44228"]),
            ("solr:8.11.1", []),
            ("solr:8", []),
            ("solr:7.3.1", ["CVE-2019-17558"]),
            ("jenkins/jenkins:2.426.2-lts", ["CVE-2024-23897"]),
            ("jenkins/jenkins:2.440.1", []),
            ("jenkins/jenkins:2.441", ["CVE-2024-23897"]),
            ("minio/minio:RELEASE.2023-03-20T20-16-18Z", []),
            ("minio/minio:RELEASE.2023-03-13T19-46-17Z", ["CVE-2023-28432"]),
        ],
    )
    def test_what_is_found(self, reference: str, cves: list[str]) -> None:
        found = image.parse(reference)
        assert found is not None
        assert [flaw.cve for flaw, _ in self.FLAWS.find(found)] == cves


class TestWellKnownImages:
    NAMES = lists.load(WellKnownImages)

    def test_no_well_known_name_looks_like_another(self) -> None:
        groups = (*self.NAMES.images, *self.NAMES.words, *self.NAMES.others)
        for name in (name for group in groups for name in group.names):
            for reference in (name, f"docker.io/someaccount/{name}"):
                found = image.parse(reference)
                assert found is not None, name
                assert self.NAMES.find(found) is None, name

    def test_no_account_looks_like_another(self) -> None:
        groups = (*self.NAMES.accounts, *self.NAMES.account_words, *self.NAMES.other_accounts)
        for name in (name for group in groups for name in group.names):
            found = image.parse(f"{name}/web")
            assert found is not None, name
            assert self.NAMES.find(found) is None, name

    @pytest.mark.parametrize(
        ("reference", "lookalike"),
        [
            ("ngnix", Lookalike("image", "ngnix", "nginx")),
            ("quay.io/bitnarni/redis", Lookalike("account", "bitnarni", "bitnami")),
            ("ghrc.io/team/web", Lookalike("registry", "ghrc.io", "ghcr.io")),
            ("bitnami/ngnix", None),
            ("registry.example.com/ngnix", None),
        ],
    )
    def test_what_is_found(self, reference: str, lookalike: Lookalike | None) -> None:
        found = image.parse(reference)
        assert found is not None
        assert self.NAMES.find(found) == lookalike


class TestDeprecatedApis:
    APIS = lists.load(DeprecatedApis)

    def test_every_line_has_a_source_and_releases_in_order(self) -> None:
        for line in self.APIS.versions:
            assert line.source.startswith("https://"), line.api
            assert line.api != line.use
            assert not line.same or line.api.rpartition("/")[0] == line.use.rpartition("/")[0], line.api
            if line.removed:
                assert release.parse(line.deprecated) <= release.parse(line.removed), line.api

    def test_no_kind_is_listed_twice(self) -> None:
        listed = [(line.api, kind) for line in self.APIS.versions for kind in line.kinds]
        assert len(listed) == len(set(listed))

    def test_nothing_is_replaced_by_what_is_deprecated_itself(self) -> None:
        for line in self.APIS.versions:
            assert all(self.APIS.find(line.use, kind) is None for kind in line.kinds if line.use), line.api
