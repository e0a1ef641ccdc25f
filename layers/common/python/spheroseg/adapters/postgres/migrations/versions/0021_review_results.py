"""Review of results by people: what they decided, and a worklist that is as quick in a large project as in a small one.

The worklist has a row for each page of an image that a run succeeded on. A trigger keeps it, so that it is right
whichever statement ends a run, saves a revision, copies a project or moves an image.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE review_decisions (
    segmentation_id uuid NOT NULL REFERENCES segmentations ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    project_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision >= 0),
    reviewer_id text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('accept', 'reject')),
    note text,
    decided_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('accepted', 'corrected', 'rejected')),
    unchanged integer,
    changed_ious double precision[],
    added integer,
    deleted integer,
    foreground_iou double precision,
    PRIMARY KEY (segmentation_id, number)
);
COMMENT ON COLUMN review_decisions.project_id IS 'that of the run; kept by a trigger';
COMMENT ON COLUMN review_decisions.unchanged IS 'null, like the columns behind it: rejected, or not compared';
CREATE INDEX review_decisions_of_project
    ON review_decisions (project_id, segmentation_id, revision, reviewer_id, number DESC) INCLUDE (verdict);
CREATE INDEX review_decisions_by_person ON review_decisions (reviewer_id);

CREATE TABLE review_items (
    image_id uuid NOT NULL,
    page integer NOT NULL,
    segmentation_id uuid NOT NULL UNIQUE REFERENCES segmentations ON DELETE CASCADE,
    project_id uuid NOT NULL,
    queued_at timestamptz NOT NULL,
    revision integer NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'corrected', 'rejected')),
    decision integer,
    reasons text[],
    rank smallint NOT NULL,
    sureness double precision NOT NULL,
    PRIMARY KEY (image_id, page),
    CHECK ((state = 'open') = (decision IS NULL))
);
COMMENT ON TABLE review_items IS 'the newest run of each page that succeeded; kept by a trigger';
COMMENT ON COLUMN review_items.decision IS 'number of the latest decision on the revision';
COMMENT ON COLUMN review_items.rank IS 'number of reasons, negative: what has most comes first';
COMMENT ON COLUMN review_items.sureness IS 'confidence of the result; -1: there is none';
CREATE INDEX review_items_in_order ON review_items (project_id, state, rank, sureness, segmentation_id);
"""

# One reason may be rare: whoever lists results that have it reads those alone.
FLAGS = ("nothing-found", "low-confidence", "blur", "debris", "touching", "edge-contact")
BY_FLAG = """
CREATE INDEX review_items_{name} ON review_items (project_id, state, rank, sureness, segmentation_id)
    WHERE reasons @> ARRAY['{flag}'];
"""

# What a run says of itself at the moment, as a row of the worklist.
ITEM = """
    {run}.image_id, coalesce(({run}.parameters ->> 'page')::integer, 1), {run}.id, {run}.project_id, {run}.queued_at,
    {run}.revision,
    CASE WHEN {run}.review IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text({run}.review -> 'reasons')) END,
    -coalesce(jsonb_array_length({run}.review -> 'reasons'), 0),
    coalesce(({run}.review -> 'signs' ->> 'confidence')::double precision, -1)
"""
COLUMNS = "image_id, page, segmentation_id, project_id, queued_at, revision, reasons, rank, sureness"

# Of two runs that end at once the later queued stays: the second to come waits for the first one's row.
NOTE = f"""
CREATE FUNCTION note_review_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO review_items AS item ({COLUMNS}) VALUES ({ITEM.format(run="NEW")})
    ON CONFLICT (image_id, page) DO UPDATE SET
        segmentation_id = excluded.segmentation_id, project_id = excluded.project_id, queued_at = excluded.queued_at,
        revision = excluded.revision, reasons = excluded.reasons, rank = excluded.rank, sureness = excluded.sureness,
        state = CASE WHEN (item.segmentation_id, item.revision) = (excluded.segmentation_id, excluded.revision)
            THEN item.state ELSE 'open' END,
        decision = CASE WHEN (item.segmentation_id, item.revision) = (excluded.segmentation_id, excluded.revision)
            THEN item.decision END
    WHERE (item.queued_at, item.segmentation_id) <= (excluded.queued_at, excluded.segmentation_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_review_item AFTER INSERT OR UPDATE OF status, revision, project_id ON segmentations
    FOR EACH ROW WHEN (NEW.status = 'succeeded') EXECUTE FUNCTION note_review_item();

CREATE FUNCTION move_review_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE review_decisions SET project_id = NEW.project_id WHERE segmentation_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER move_review_decisions AFTER UPDATE OF project_id ON segmentations
    FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id) EXECUTE FUNCTION move_review_decisions();
"""

FILL = f"""
INSERT INTO review_items ({COLUMNS})
SELECT DISTINCT ON (run.image_id, coalesce((run.parameters ->> 'page')::integer, 1)) {ITEM.format(run="run")}
FROM segmentations AS run WHERE status = 'succeeded'
ORDER BY run.image_id, coalesce((run.parameters ->> 'page')::integer, 1), run.queued_at DESC, run.id DESC
"""


def upgrade() -> None:
    """Add the tables and triggers; results of before are open."""
    op.execute(TABLES)
    for flag in FLAGS:
        op.execute(BY_FLAG.format(name=flag.replace("-", "_"), flag=flag))
    op.execute(NOTE)
    op.execute(FILL)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
