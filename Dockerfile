# The functions as a container image, on the Functions host's own Python image.
#   docker build -t arbitrage .                      the app
#   docker build --target test -t arbitrage-test .   every test that the image can run: docker run --rm arbitrage-test
#   docker build --target venues -t arbitrage-venues .   the simulated venues, for docker compose
ARG PYTHON_VERSION=3.12

FROM mcr.microsoft.com/azure-functions/python:4-python${PYTHON_VERSION} AS host
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

FROM host AS build
WORKDIR /source
COPY requirements.lock ./
COPY infra/package infra/package
# The libraries change rarely and take minutes: their layer is made before the product is copied.
RUN python infra/package/build.py --libraries-only --folder /app
COPY function_app.py host.json ./
COPY shared shared
RUN python infra/package/build.py --product-only --folder /app \
    && grep -q "ODBC Driver 18 for SQL Server" /etc/odbcinst.ini

FROM host AS test
WORKDIR /source
COPY requirements.txt requirements-dev.txt ./
RUN python -m pip install -r requirements-dev.txt \
    && useradd --uid 10001 --create-home tester \
    && chown tester /source
COPY --chown=10001 . .
USER 10001
CMD ["python", "-m", "pytest", "-p", "no:cacheprovider"]

FROM host AS venues
WORKDIR /source
COPY --from=build /app/.python_packages/lib/site-packages /libraries
COPY simulator simulator
ENV PYTHONPATH=/libraries
USER 10001
HEALTHCHECK --interval=5s --timeout=3s --retries=12 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7072/api/v3/time', timeout=2)"]
ENTRYPOINT ["python", "-m", "simulator"]

FROM host AS app
# Port 8080, because a user who is not root cannot open port 80. Only /home/data, /home/LogFiles and /tmp are written.
# Whatever ends TLS in front says https in X-Forwarded-Proto, which the host then puts into the links it gives away.
# The host's own telemetry would speak gRPC; the product's speaks HTTP, and both go to one address.
ENV ASPNETCORE_URLS=http://+:8080 \
    ASPNETCORE_FORWARDEDHEADERS_ENABLED=true \
    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \
    AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    FUNCTIONS_WORKER_RUNTIME=python \
    PYTHON_ENABLE_OPENTELEMETRY=true \
    DATA_DIR=/home/data \
    HOME=/home/data
RUN mkdir -p /home/data /home/LogFiles /azure-functions-host/Secrets \
    && chown 10001 /home/data /home/LogFiles /azure-functions-host/Secrets
COPY --from=build /app /home/site/wwwroot
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/api/health', timeout=8)"]
