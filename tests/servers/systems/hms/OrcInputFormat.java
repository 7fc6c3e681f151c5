package org.apache.hadoop.hive.ql.io.orc;

/** The metastore takes a table for transactional only if this is there; its content does not matter. */
public class OrcInputFormat implements org.apache.hadoop.hive.ql.io.AcidInputFormat {}
