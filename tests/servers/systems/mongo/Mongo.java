import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** mongo-java-server, in memory: Mongo PORT. */
public class Mongo implements MongoVersion {
    public List<Integer> getVersionArray() {
        return List.of(5, 0, 0);
    }

    /** Clients of today want 9 and more. */
    public int getWireVersion() {
        return 13;
    }

    public static void main(String[] arguments) throws Exception {
        new MongoServer(new MemoryBackend().version(new Mongo())).bind("127.0.0.1", Integer.parseInt(arguments[0]));
        Thread.sleep(Long.MAX_VALUE);
    }
}
