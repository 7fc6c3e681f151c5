# The connector's image. Airbyte starts it as `sh -c "$AIRBYTE_ENTRYPOINT read …"`, as user 1000, perhaps with
# a read-only root: it needs a shell and nothing that may be written to. docs/image.md tells how it is tested.
#
#   docker build --tag airbyte/source-trino:0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .

ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /build
# The dependencies, built for an empty program: a layer that stays as long as these two files do.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs && cargo build --release --locked
COPY spec.json ./
COPY src src
# cargo goes by times, and the files are older than the empty program that was built in their place.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked

FROM ${BASE_IMAGE} AS system
# libkrb5-3 is loaded only if Kerberos is chosen.
# The trust store belongs to the user, as in Airbyte's own images: update-ca-certificates works without root.
# What only installs packages is of no use here: apt, perl, and the libraries that nothing else needs.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates libkrb5-3 \
    && groupadd --gid 1000 airbyte \
    && useradd --uid 1000 --gid airbyte --create-home --shell /bin/sh airbyte \
    && install --directory --owner airbyte --group airbyte /airbyte /config /custom_cache /secrets \
    && chown --no-dereference --recursive airbyte:airbyte /etc/ssl/certs /usr/local/share/ca-certificates \
    && dpkg --purge --force-depends --force-remove-essential --force-remove-protected \
        apt debian-archive-keyring gpgv libapt-pkg6.0 libffi8 libgnutls30 libhogweed6 libidn2-0 libnettle8 libp11-kit0 \
        libseccomp2 libstdc++6 libtasn1-6 libunistring2 libxxhash0 perl-base \
    && rm -rf /etc/apt /usr/lib/*/gconv /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /var/cache/apt \
        /var/cache/debconf/*-old /var/lib/apt /var/log/apt /var/log/dpkg.log

# One layer without what was removed.
FROM scratch
COPY --from=system / /
COPY LICENSE /airbyte/LICENSE
COPY --from=build /build/target/release/source-trino /airbyte/source-trino

WORKDIR /airbyte
USER 1000:1000
ENV PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENV AIRBYTE_ENTRYPOINT="/airbyte/source-trino"
ENTRYPOINT ["/airbyte/source-trino"]

# The version of Cargo.toml, and the commit that was built. They come last because they change most.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL io.airbyte.name="airbyte/source-trino" \
      io.airbyte.version="${VERSION}" \
      org.opencontainers.image.title="source-trino" \
      org.opencontainers.image.description="Airbyte source connector for Trino" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
