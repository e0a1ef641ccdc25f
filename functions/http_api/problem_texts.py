"""What clients are told about each error of ours: what it means, why it happens, how to mend it."""

from http_api.exchange_problem_texts import OF_EXCHANGE

TRY_LATER = "Try again after a few seconds, each time a little later. `/health/detailed` tells which part is down."
UPLOAD_ANOTHER = "Upload another file; the refused one is never tried again."

OF_ERRORS: dict[str, tuple[str, str, str]] = {
    "internal": (
        "Something went wrong inside",
        "A defect of the service. Nothing of it is shown here; it is in the service's log.",
        "Try again once. If it stays, report the answer's X-Correlation-Id.",
    ),
    "not-found": ("Not found", "What was named does not exist.", "Check the address and the id."),
    "conflict": ("Not in this state", "The present state does not allow the request.", "Read it again, then decide."),
    "invalid-input": ("Wrong input", "Something that was given is wrong.", "Correct it as the detail says."),
    "forbidden": ("Not allowed", "You are signed in and may not do this.", "Ask whoever owns it."),
    "unavailable": ("Not available now", "Something behind the API does not answer.", TRY_LATER),
    "project-not-found": (
        "No such project",
        "There is no project of that id, or you have no role in it; the two look alike on purpose.",
        "List your projects with GET /v1/projects.",
    ),
    "image-not-found": (
        "No such image",
        "There is no image of that id, it was deleted, or you have no role in its project; all look alike on purpose.",
        "List a project's images with GET /v1/projects/{project_id}/images.",
    ),
    "segmentation-not-found": (
        "No such segmentation",
        "There is none of that id, its image was deleted, or you have no role in its project; they look alike.",
        "List an image's segmentations with GET /v1/images/{image_id}/segmentations.",
    ),
    "job-not-found": (
        "No such job",
        "There is no job of that id, or somebody else asked for it; the two look alike on purpose.",
        "A job's id is in the answer that began it.",
    ),
    **OF_EXCHANGE,
    "no-such-route": ("No such route", "There is nothing at that address.", "/docs lists every route."),
    "user-not-found": (
        "No such user",
        "The user pool has nobody of that id.",
        "List the users with GET /v1/admin/users.",
    ),
    "not-confirmed": (
        "Not confirmed",
        "It cannot be undone, and what confirms it is missing or wrong.",
        "Send what the detail asks for.",
    ),
    "dead-letter-not-found": (
        "No such dead letter",
        "The queue holds no dead letter of that id, or somebody is at it just now.",
        "List the queue's dead letters again after half a minute.",
    ),
    "model-not-found": (
        "No such model",
        "No model of that name and version is registered.",
        "GET /v1/models lists those that are; leave `model` away to take the default.",
    ),
    "object-not-found": (
        "No such file",
        "The store holds no file there: it was not uploaded, or was deleted meanwhile.",
        "Upload the file, or read the image again.",
    ),
    "connection-gone": ("Socket closed", "The socket was closed meanwhile.", "Open a new one with a new ticket."),
    "unknown-ticket": (
        "Unknown ticket",
        "The ticket was never issued, was used before, or is older than a minute.",
        "Get a new one with POST /v1/socket-tickets for each connection.",
    ),
    "unauthenticated": (
        "Not signed in",
        "The request carries no access token, or another kind of token, such as the ID token.",
        "Sign in and send `Authorization: Bearer <access token>`.",
    ),
    "wrong-credentials": (
        "Wrong credentials",
        "E-mail address and password do not fit, or the refresh token is no longer valid.",
        "Check both, or sign in again.",
    ),
    "account-exists": ("Account exists", "Somebody signed up with that e-mail address.", "Sign in instead."),
    "password-refused": (
        "Password refused",
        "The password is weaker than the user pool allows.",
        "Take at least 12 characters with upper and lower case letters, digits and signs.",
    ),
    "role-too-low": (
        "Your role allows less",
        "Your role in the project does not allow this: a viewer reads, an editor writes, the owner also manages.",
        "Ask the project's owner for another role.",
    ),
    "project-archived": (
        "Project archived",
        "The project is archived: it can be read, not written to.",
        "Its owner can unarchive it.",
    ),
    "offer-not-found": (
        "No such invitation or link",
        "None is for your verified e-mail address or has this token, it was withdrawn, or you were removed after it.",
        "Ask the project's owner for a new one.",
    ),
    "offer-ended": (
        "Invitation or link ended",
        "It was not accepted in time, or the role that it gave was taken away again.",
        "Ask the project's owner for a new one.",
    ),
    "member-not-found": (
        "Nobody of that id here",
        "Nobody of that id has a role in the project besides its owner.",
        "List the project's people with GET /v1/projects/{project_id}/members.",
    ),
    "owner-stays": (
        "The owner stays",
        "A project has one owner at any time, who can neither leave nor be removed.",
        "Hand the project over to a member with POST /v1/projects/{project_id}/transfer, or delete it.",
    ),
    "too-many-members": (
        "Too many people",
        "A project has 200 people and open offers at most.",
        "Withdraw offers that nobody needs, or remove people.",
    ),
    "version-mismatch": (
        "Another version by now",
        "It was changed after you read it: its ETag is none of those in If-Match.",
        "Read it again, look at what changed, then send the request with the new ETag.",
    ),
    "stale-state": (
        "Changed meanwhile",
        "Another request or a worker changed it between reading and writing.",
        "Read it again; then repeat the request if it still makes sense.",
    ),
    "object-changed": (
        "File changed meanwhile",
        "Another file was put to the same place.",
        "Nothing: the newer file is taken in by its own event.",
    ),
    "illegal-move": (
        "Too late for that",
        "It has ended already, so that it cannot be cancelled or changed.",
        "Read it again. A failed or cancelled segmentation stays; request it again for a new one.",
    ),
    "not-stored-yet": (
        "File not there yet",
        "The image's file has not arrived, or was refused.",
        "Upload it with the form that came with the image; if the image's status is `refused`, see its failure.",
    ),
    "too-many-images": (
        "Too many images",
        "The project has more images than one call changes.",
        "Tell the samples by a table of up to 10,000 rows, several times.",
    ),
    "invalid-question": (
        "Question that the measures cannot answer",
        "Statistics are asked for that the measures at hand cannot give, as the detail says.",
        "Ask for factors that the images tell, and compare one of the groups.",
    ),
    "not-tellable": (
        "Table that does not tell what is asked",
        "The images of the project, or their results, do not tell what the statistics need, as the detail says.",
        "Tell the samples of the images, or the pixel size, or ask for another measure.",
    ),
    "unclear-units": (
        "Unclear what counts once",
        "Some objects tell what counts as one observation, their replicate for example, and others do not.",
        "Give the missing replicates, or say with `unit` what is to count once: replicate, well, image or object.",
    ),
    "invalid-sample": (
        "No such sample",
        "A well that no plate has, a time or replicate that is no number, or a text that is empty or too long.",
        "Correct it as the detail says.",
    ),
    "invalid-pattern": (
        "Pattern not usable",
        "The pattern is none that RE2 knows, is too long, or its groups name no fields.",
        "Name groups plate, well, condition, time_point_h, replicate, row, column; do without looking ahead or back.",
    ),
    "invalid-table": (
        "Table not right",
        "Cells of the table are wrong, or its rows name no images of the project; nothing of it was taken.",
        "`errors` lists each fault with its row and column.",
    ),
    "result-superseded": (
        "Another run counts now",
        "A newer run of the same page of the image has succeeded; `newest_run` names it.",
        "Look at the newer run's result, then decide on that.",
    ),
    "revision-not-found": (
        "No such revision",
        "The segmentation has no revision of that number.",
        "GET /v1/segmentations/{id}/revisions lists them; 0 is the segmenter's own.",
    ),
    "stale-revision": (
        "Not the newest revision",
        "Somebody saved a newer revision than the one that the edit starts from. Nothing of the edit was stored.",
        "`later` tells which spheroids were changed by whom and when; do the operations again on `newest_revision`.",
    ),
    "invalid-edit": (
        "Edit not possible",
        "An operation cannot be done, or leaves an outline that is none or overlaps another. Nothing was stored.",
        "`edit` names operation, spheroid, ring and corner; correct that and send all operations again.",
    ),
    "revision-too-large": (
        "Revision too large for one answer",
        "Corrected outlines lie in no file, and these are too many for one answer.",
        "Take them in parts, from /spheroids with a cursor, or from /outlines.",
    ),
    "edit-too-large": (
        "Edit too large",
        "One save takes up to 1,000 operations, 2,000 spheroids and 100,000 corners.",
        "Save in several steps, each from the revision that the one before it gave.",
    ),
    "idempotency-key-reused": (
        "Idempotency key used before",
        "The same `Idempotency-Key` came with another request before, so that it does not say which one is meant.",
        "Send a new key with each new request, and the same one only with a repeat of the same request.",
    ),
    "comparison-too-large": (
        "Too large to compare here",
        "The outlines of the two segmentations are longer than can be compared within one request.",
        "Download both label images by their links, and compare them with `spheroseg compare A.tif B.tif`.",
    ),
    "not-comparable": (
        "Not the same pixels",
        "The two segmentations are of different images, or of pages of different size.",
        "Compare two segmentations of one image: GET /v1/images/{image_id}/segmentations lists them.",
    ),
    "run-batch-not-found": (
        "No such batch",
        "There is no batch of that id, or you have no role in its project; the two look alike on purpose.",
        "POST /v1/projects/{project_id}/runs gives the id of the batch that it starts.",
    ),
    "parts-missing": (
        "Parts missing",
        "Not all parts of the file have arrived in their size.",
        "GET /v1/images/{image_id}/parts lists those that are there; send the others, then complete the upload again.",
    ),
    "not-in-parts": (
        "Not in parts",
        "The file was announced with up to 100 MB, or without its size, and goes over in one piece.",
        "Send it with the form of its announcement.",
    ),
    "quota-exceeded": (
        "No room left",
        "The images or bytes to be added do not fit into the quota of the project's owner.",
        "`quota` tells what is left. Delete images, or announce fewer; where no size is told, 100 MB are kept free.",
    ),
    "not-finished": (
        "No result",
        "The segmentation, or the export, waits, runs, failed or was cancelled.",
        "Read it; ask for its spheroids, or its file, once its status is `succeeded`.",
    ),
    "invalid-cursor": ("Unknown cursor", "The cursor is not one that a list gave out.", "Leave it away to begin anew."),
    "invalid-fields": (
        "No such field",
        "`fields` names something that the answer does not have.",
        "Name fields of the answer, separated by commas; /docs lists them. Leave it away to get all.",
    ),
    "undecodable-image": (
        "No readable image",
        "The bytes are damaged, end too early, or are no image at all, whatever the file's name says.",
        UPLOAD_ANOTHER,
    ),
    "unsupported-image": (
        "Kind of image not supported",
        "A sound file of a format, sample type or compression that is not read here.",
        "Save it as TIFF (8 or 16 bit, 32 bit float), PNG, JPEG or BMP, and upload that.",
    ),
    "invalid-exchange-file": (
        "File of another program not understood",
        "A file of outlines does not hold what its format says, or says what cannot be an outline.",
        "The detail names the file, the entry and what would be right: mend that, and send it again.",
    ),
    "not-expressible": (
        "The format cannot say it",
        "The format has no way to say what is to be written, such as overlapping objects in a label image.",
        "Take a format that can: docs/formats.md lists what each keeps.",
    ),
    "image-too-large": (
        "Image too large",
        "The file has more bytes, or its header announces more pixels, than the limits allow.",
        "Crop it, or save the pages as files of their own.",
    ),
    "digest-mismatch": (
        "Other bytes than announced",
        "The SHA-256 of the bytes that arrived is not the one that was announced.",
        UPLOAD_ANOTHER,
    ),
    "empty-upload": ("Empty file", "The uploaded file holds no bytes.", UPLOAD_ANOTHER),
    "page-not-found": (
        "No such page",
        "The file has fewer pages than the one asked for.",
        "Request a segmentation with a smaller `page`; the first is 1.",
    ),
    "invalid-pages": (
        "No choice of pages",
        "`pages` is neither `all` nor numbers and ranges such as `1-20,25`, or the file has no such channel.",
        "Read the image: its `pages` say how many there are and what they run over.",
    ),
    "too-many-pages": (
        "Too many pages at once",
        "One request starts a thousand runs at most.",
        "Ask for the pages in several requests, such as `1-1000` and `1001-2000`.",
    ),
    "pages-not-counted": (
        "Pages not counted yet",
        "How many pages a file has is known when its first segmentation has decoded it.",
        "Wait until the image's segmentation has ended; then its `pages` are there.",
    ),
    "invalid-pixels": (
        "Pixels that cannot be measured",
        "The pixels are not finite numbers, or all have one value.",
        "Check how the file was exported. " + UPLOAD_ANOTHER,
    ),
    "upload-not-accepted": (
        "Upload not taken in",
        "The file arrived and could not be taken in after several tries, or did not arrive within a day.",
        "Announce and upload it again.",
    ),
    "retries-exhausted": (
        "Given up after several tries",
        "The work was tried as often as allowed and failed each time.",
        "Request the segmentation again; if it fails again, report its id.",
    ),
    "model-unusable": (
        "Model unusable",
        "The model's file is missing or altered on the worker.",
        "Take another model; the operator has to mend this one.",
    ),
    "database-unavailable": ("Database not available", "The database does not answer in time.", TRY_LATER),
    "storage-unavailable": ("Store not available", "The object store does not answer, or refuses.", TRY_LATER),
    "queue-unavailable": (
        "Queue not available",
        "The queue does not answer, or refuses. What was written before stays; it is queued by a sweep each minute.",
        TRY_LATER,
    ),
    "cache-unavailable": (
        "Cache not available",
        "The cache server does not answer. Requests are served without it, slower.",
        "Nothing; only /health/detailed tells it.",
    ),
    "secret-unavailable": (
        "Secret not available",
        "A secret that the service needs cannot be read.",
        TRY_LATER,
    ),
    "sockets-unavailable": ("Sockets not available", "The gateway of the sockets does not answer.", TRY_LATER),
    "held-elsewhere": (
        "Held elsewhere",
        "Another worker is at it.",
        "Nothing: it is finished there, or taken over when that worker falls silent.",
    ),
    "sign-in-unavailable": ("Sign-in not available", "The user pool does not answer, or refuses.", TRY_LATER),
}
"""Each code of an error with its title, cause and mend."""
