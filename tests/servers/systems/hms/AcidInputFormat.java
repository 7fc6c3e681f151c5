package org.apache.hadoop.hive.ql.io;

/** The metastore takes a table for transactional only if this is there; its content does not matter. */
public interface AcidInputFormat {}
