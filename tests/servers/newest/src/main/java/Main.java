import io.trino.plugin.iceberg.IcebergPlugin;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.plugin.tpch.TpchPlugin;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.LocalSpoolingManager;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Map;

import static io.trino.testing.TestingSession.testSessionBuilder;

/// A Trino on the port of the first argument, with its data in the folder of the second. It spools results to local
/// files and hands them out itself (COORDINATOR_PROXY). Sizes are the defaults, so inline and spooled segments mix.
public class Main
{
    private static class Builder
            extends DistributedQueryRunner.Builder<Builder>
    {
        Builder()
        {
            super(testSessionBuilder().setCatalog("tpch").setSchema("tiny").build());
        }
    }

    public static void main(String[] arguments)
            throws Exception
    {
        String port = arguments[0];
        Path lake = Files.createDirectories(Path.of(arguments[1]).toAbsolutePath().resolve("lake"));
        byte[] key = new byte[32];
        new SecureRandom().nextBytes(key);

        DistributedQueryRunner runner = new Builder()
                .setWorkerCount(0)
                .addCoordinatorProperty("http-server.http.port", port)
                .addExtraProperty("protocol.spooling.enabled", "true")
                .addExtraProperty("protocol.spooling.shared-secret-key", Base64.getEncoder().encodeToString(key))
                .addExtraProperty("protocol.spooling.retrieval-mode", "COORDINATOR_PROXY")
                .setAdditionalSetup(server -> {
                    server.installPlugin(new LocalSpoolingManager.LocalSpoolingPlugin());
                    ((DistributedQueryRunner) server).loadSpoolingManager("test-local", Map.of());
                })
                .build();
        runner.installPlugin(new TpchPlugin());
        runner.createCatalog("tpch", "tpch", Map.of());
        runner.installPlugin(new MemoryPlugin());
        runner.createCatalog("memory", "memory", Map.of());
        runner.installPlugin(new IcebergPlugin());
        runner.createCatalog("iceberg", "iceberg", Map.of(
                "iceberg.catalog.type", "TESTING_FILE_METASTORE",
                "hive.metastore.catalog.dir", "local:///",
                "fs.local.enabled", "true",
                "local.location", lake.toString()));
        Thread.currentThread().join();
    }
}
