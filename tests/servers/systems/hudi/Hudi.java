import java.util.*;
import java.util.stream.*;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.hadoop.conf.Configuration;
import org.apache.hudi.client.HoodieJavaWriteClient;
import org.apache.hudi.client.common.HoodieJavaEngineContext;
import org.apache.hudi.common.model.*;
import org.apache.hudi.common.table.HoodieTableMetaClient;
import org.apache.hudi.common.util.Option;
import org.apache.hudi.config.*;
import org.apache.hudi.hadoop.fs.HadoopFSUtils;
import org.apache.hudi.index.HoodieIndex;

/** Writes a Hudi table of both kinds: Hudi BASE_PATH TABLE COPY_ON_WRITE|MERGE_ON_READ, three commits: insert 10, insert 5, upsert 2; with an ID as fourth, insert that one and upsert 2. */
public class Hudi {
    static final String S = "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"v\",\"type\":\"string\"},{\"name\":\"ts\",\"type\":\"long\"},{\"name\":\"p\",\"type\":\"string\"}]}";
    public static void main(String[] a) throws Exception {
        Schema schema = new Schema.Parser().parse(S);
        Configuration conf = new Configuration();
        boolean more = a.length > 3;
        if (!more) HoodieTableMetaClient.withPropertyBuilder().setTableType(a[2]).setTableName(a[1]).setPayloadClassName(HoodieAvroPayload.class.getName())
            .setRecordKeyFields("id").setPartitionFields("p").setPreCombineField("ts").initTable(HadoopFSUtils.getStorageConf(conf), a[0]);
        HoodieWriteConfig cfg = HoodieWriteConfig.newBuilder().withPath(a[0]).withSchema(S).withParallelism(1, 1).withDeleteParallelism(1).forTable(a[1])
            .withIndexConfig(HoodieIndexConfig.newBuilder().withIndexType(HoodieIndex.IndexType.INMEMORY).build())
            .withEmbeddedTimelineServerEnabled(false).withMetadataConfig(org.apache.hudi.common.config.HoodieMetadataConfig.newBuilder().enable(false).build()).build();
        HoodieJavaWriteClient<HoodieAvroPayload> c = new HoodieJavaWriteClient<>(new HoodieJavaEngineContext(HadoopFSUtils.getStorageConf(conf)), cfg);
        int[][] batches = {{1, 10}, {11, 15}};
        for (int[] b : more ? new int[][] {{Integer.parseInt(a[3]), Integer.parseInt(a[3])}} : batches) {
            String t = c.startCommit();
            c.insert(IntStream.rangeClosed(b[0], b[1]).mapToObj(i -> rec(schema, i, "v" + i)).collect(Collectors.toList()), t);
        }
        String t = c.startCommit();
        c.upsert(IntStream.rangeClosed(1, 2).mapToObj(i -> rec(schema, i, "changed")).collect(Collectors.toList()), t);
        c.close();
    }
    static HoodieRecord<HoodieAvroPayload> rec(Schema s, long i, String v) {
        GenericRecord r = new GenericData.Record(s);
        r.put("id", i); r.put("v", v); r.put("ts", i); r.put("p", "p" + i % 2);
        return new HoodieAvroRecord<>(new HoodieKey("" + i, "p=p" + i % 2), new HoodieAvroPayload(Option.of(r)));
    }
}
