import java.nio.file.*; import java.util.*;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.*;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** An node from jars, because there is no distribution in a registry: OpenSearch HOME PORT TRANSPORT_PORT. */
public class OpenSearch {
    static class N extends Node {
        N(Settings s) {
            super(InternalSettingsPreparer.prepareEnvironment(s, Map.of(), null, () -> "n1"), List.<Class<? extends Plugin>>of(Netty4Plugin.class), true);
        }
    }
    public static void main(String[] a) throws Exception {
        Path home = Path.of(a[0]);
        Files.createDirectories(home.resolve("config"));
        Settings s = Settings.builder().put("path.home", home).put("cluster.name", "t").put("node.name", "n1")
            .put("http.port", a[1]).put("transport.port", a[2]).put("network.host", "127.0.0.1")
            .put("discovery.type", "single-node").put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("transport.type", "netty4").put("http.type", "netty4").put("bootstrap.system_call_filter", false).build();
        Node n = new N(s).start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { try { n.close(); } catch (Exception e) { } }));
        Thread.currentThread().join();
    }
}
