DROP TABLE rollup_outdated;
DROP TABLE rollup_values;
DROP TABLE rollups;
DROP TABLE rollup_models;

-- Creating the tables again must count the whole history.
UPDATE sinks SET position = -1 WHERE name = 'analytics';
