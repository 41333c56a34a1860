DROP TABLE outbox_feed;
DROP TABLE outbox;
