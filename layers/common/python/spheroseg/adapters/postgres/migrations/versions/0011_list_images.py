"""Lists of images by state, name, tag, size, well and condition."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Keys of a name are its pairs and triples of letters, those of tags the tags, hashed to eight bytes with the project as
# the seed. A hash may fall on another one's place: whoever looks something up compares the text besides.
# In a loop, because a query inside a function costs six times as much as these few steps.
FUNCTIONS = """
CREATE FUNCTION name_parts(project_id uuid, name text, shortest integer, longest integer) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    folded text := lower(name);
    seed bigint := uuid_hash_extended(project_id, 0);
    keys bigint[] := '{}';
BEGIN
    FOR size IN shortest .. longest LOOP
        FOR start IN 1 .. length(folded) - size + 1 LOOP
            keys := keys || hashtextextended(substr(folded, start, size), seed);
        END LOOP;
    END LOOP;
    RETURN keys;
END
$$;

CREATE FUNCTION tag_keys(project_id uuid, tags text[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    seed bigint := uuid_hash_extended(project_id, 1);
    keys bigint[] := '{}';
    tag text;
BEGIN
    FOREACH tag IN ARRAY tags LOOP
        keys := keys || hashtextextended(tag, seed);
    END LOOP;
    RETURN keys;
END
$$;

-- What a name must have that holds the text: its triples, or its one pair. One letter has no key: all names are read.
CREATE FUNCTION name_keys(project_id uuid, part text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT name_parts(project_id, part, least(greatest(length(lower(part)), 2), 3), 3)
$$;
"""

COLUMNS = """
ALTER TABLE images
    ADD COLUMN run_status text,
    ADD COLUMN state text GENERATED ALWAYS AS (
        CASE WHEN status <> 'stored' THEN status ELSE coalesce(run_status, 'without_segmentation') END) STORED,
    ADD COLUMN search_keys bigint[] GENERATED ALWAYS AS (
        name_parts(project_id, name, 2, 3) || tag_keys(project_id, tags)) STORED;
COMMENT ON COLUMN images.run_status IS 'of the latest run; kept by a trigger';
UPDATE images SET run_status = (
    SELECT status FROM segmentations WHERE image_id = images.id ORDER BY queued_at DESC, id DESC LIMIT 1)
"""

# A run that gets somewhere changes its image: its state in lists, and its version in entity tags.
TRIGGER = """
CREATE FUNCTION note_run_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE images SET run_status = (
        SELECT status FROM segmentations WHERE image_id = NEW.image_id ORDER BY queued_at DESC, id DESC LIMIT 1)
    WHERE id = NEW.image_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_run_status AFTER INSERT OR UPDATE OF status, queued_at, pixel_size_um ON segmentations
    FOR EACH ROW EXECUTE FUNCTION note_run_status();
"""

INDEXES = """
CREATE INDEX images_by_name ON images (project_id, lower(name) COLLATE "C", id);
CREATE INDEX images_by_size ON images (project_id, coalesce(size_bytes, -1), id);
CREATE INDEX images_by_place ON images (project_id, coalesce(well, '') COLLATE "C", id);
CREATE INDEX images_by_state ON images (project_id, state, created_at, id);
CREATE INDEX images_by_well ON images (project_id, well, created_at, id) WHERE well IS NOT NULL;
CREATE INDEX images_by_plate ON images (project_id, plate, created_at, id) WHERE plate IS NOT NULL;
CREATE INDEX images_by_condition ON images (project_id, condition, created_at, id) WHERE condition IS NOT NULL;
CREATE INDEX images_by_key ON images USING gin (search_keys);
"""


def upgrade() -> None:
    """Add functions, columns, the trigger and the indexes."""
    for part in (FUNCTIONS, COLUMNS, TRIGGER, INDEXES):
        op.execute(part)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
