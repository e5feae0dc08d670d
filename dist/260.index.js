export const id = 260;
export const ids = [260];
export const modules = {

/***/ 260:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  describeDifference: () => (/* binding */ describeDifference)
});

// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/text.js
var lib_text = __webpack_require__(8804);
// EXTERNAL MODULE: ./lib/distributions/archive-fault.js
var archive_fault = __webpack_require__(6716);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./lib/distributions/archive-members.js


/** Bytes that are unpacked of one archive, and members that it may have, to compare it with another one. */
const COMPARED_BYTES = 200e6;
const COMPARED_MEMBERS = 100_000;
/** The sha256 of bytes that come in pieces; the event loop turns between them. */
async function hashPieces(pieces, signal) {
    const hash = (0,external_node_crypto_.createHash)('sha256');
    let previous;
    for await (const piece of pieces) {
        // Most members are one piece: a turn for each of a hundred thousand would be the longest part of the work.
        if (previous !== undefined)
            await (0,promises_.setImmediate)();
        signal.throwIfAborted();
        hash.update(piece);
        previous = piece;
    }
    return hash.digest('base64');
}

// EXTERNAL MODULE: ./lib/distributions/inflate.js
var inflate = __webpack_require__(7344);
// EXTERNAL MODULE: ./lib/distributions/archive-path.js
var archive_path = __webpack_require__(3569);
// EXTERNAL MODULE: ./lib/distributions/gzip.js
var gzip = __webpack_require__(6647);
// EXTERNAL MODULE: ./lib/distributions/tar.js + 1 modules
var tar = __webpack_require__(2179);
// EXTERNAL MODULE: ./lib/distributions/tar-header.js
var tar_header = __webpack_require__(2656);
;// CONCATENATED MODULE: ./lib/distributions/tar-members.js









/** Where a header block holds what: first and last byte, the last one not included. */
const FIELDS = {
    mode: [100, 108],
    owner: [108, 116],
    group: [116, 124],
    time: [136, 148],
    checksum: [148, 156],
    ownerName: [265, 297],
    groupName: [297, 329],
};
const PAX_TIMES = new Set(['mtime', 'atime', 'ctime']);
const PAX_OWNERS = new Set(['uid', 'gid', 'uname', 'gname']);
/** What is compared as the member's own path and kind. */
const PAX_NAMES = new Set(['path', 'linkpath', 'size']);
/**
 * Reads the members of a `.tar.gz` to compare them with those of another one; all of it is unpacked once, in pieces.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT; the signal's reason when it is aborted
 */
async function readTarMembers(file, signal) {
    const whole = (0,external_node_crypto_.createHash)('sha256');
    const members = [];
    const earlier = new Map();
    for await (const member of (0,tar/* tarMembers */.F)(file, unpacked(file, signal, whole))) {
        if (members.length >= COMPARED_MEMBERS)
            throw (0,archive_fault/* limitFault */.us)(file, `the archive has more than ${COMPARED_MEMBERS} members`);
        const place = (0,archive_path/* segmentsOf */.O)(member.name).join('/');
        const times = earlier.get(place) ?? 0;
        earlier.set(place, times + 1);
        // The last of several is what stays; a NUL stands in no name.
        members.push(await unpackedMember(member, times === 0 ? place : `${place}\0${times}`, signal));
    }
    return { members, wrapper: { ...gzipTraits(file), content: whole.digest('hex'), packed: await packed(file, signal) } };
}
/** The tar archive, of which no more than is compared comes out. */
async function* unpacked(file, signal, hash) {
    let total = 0;
    for await (const chunk of (0,gzip/* gunzip */.k)(file, signal)) {
        total += chunk.length;
        if (total > COMPARED_BYTES)
            throw (0,archive_fault/* limitFault */.us)(file, `the archive unpacks to more than ${(0,lib_text/* formatBytes */.z3)(COMPARED_BYTES)}`);
        hash.update(chunk);
        yield chunk;
    }
}
async function unpackedMember(member, path, signal) {
    const digest = await hashPieces(member.pieces(), signal);
    const traits = traitsOf(member);
    return {
        path,
        kind: member.target === '' ? member.kind : `${member.kind} to ${member.target}`,
        size: member.size,
        packed: async () => undefined,
        content: async () => digest,
        traits: () => traits,
    };
}
function traitsOf({ name, block, pax }) {
    const field = ([start, end]) => block.toString('latin1', start, end);
    // `0000644` with a NUL or a blank behind it is one number.
    const numbers = (...fields) => fields.map((place) => field(place).replace(/[\0 ]/g, '').replace(/^0+/, '')).join();
    const records = [...(0,tar_header/* paxRecords */.Q5)(pax)].sort(([a], [b]) => (a < b ? -1 : 1));
    const hex = (of) => records.filter(([key]) => of(key)).map(([key, value]) => `${key}=${value.toString('hex')}`);
    const rest = Buffer.from(block);
    for (const [start, end] of Object.values(FIELDS))
        rest.fill(0, start, end);
    const isOther = (key) => !PAX_TIMES.has(key) && !PAX_OWNERS.has(key) && !PAX_NAMES.has(key);
    const details = (0,external_node_crypto_.createHash)('sha256')
        .update(rest)
        .update(JSON.stringify([name, hex(isOther)]));
    const names = [FIELDS.ownerName, FIELDS.groupName].map(field);
    return {
        times: [numbers(FIELDS.time), ...hex((key) => PAX_TIMES.has(key))].join(),
        permissions: numbers(FIELDS.mode),
        owners: [numbers(FIELDS.owner, FIELDS.group), ...names, ...hex((key) => PAX_OWNERS.has(key))].join(),
        details: details.digest('base64'),
    };
}
/** RFC 1952: bytes 4 to 7 are a time; flags, effort, system and a file name say nothing of the content. */
function gzipTraits(file) {
    const header = file.readSync(0, (0,gzip/* gzipHeaderLength */.i)(file));
    const times = header.toString('hex', 4, 8);
    header.fill(0, 4, 8);
    return { times, details: header.toString('hex') };
}
function packed(file, signal) {
    const start = (0,gzip/* gzipHeaderLength */.i)(file);
    return hashPieces((0,inflate/* steps */.C)(file, { start, length: file.size - start }), signal);
}

// EXTERNAL MODULE: ./lib/distributions/zip.js
var zip = __webpack_require__(8600);
// EXTERNAL MODULE: ./lib/distributions/zip-end.js
var zip_end = __webpack_require__(6228);
// EXTERNAL MODULE: ./lib/distributions/zip-headers.js
var zip_headers = __webpack_require__(6719);
;// CONCATENATED MODULE: ./lib/distributions/zip-members.js







/** Extra fields that hold times: of NTFS, and Info-ZIP's two. */
const TIME_FIELDS = new Set([0x000a, 0x5455, 0x5855]);
/** Info-ZIP's owner and group. */
const OWNER_FIELDS = new Set([0x7855, 0x7875]);
/**
 * Reads the members of a zip archive to compare them with those of another one. A surplus zip64 field is let pass.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT; the signal's reason when it is aborted
 */
async function readZipMembers(file, signal) {
    signal.throwIfAborted();
    if ((0,zip_end/* readZipEnd */.n)(file).members > COMPARED_MEMBERS)
        throw (0,archive_fault/* limitFault */.us)(file, `the archive has more than ${COMPARED_MEMBERS} members`);
    const { members } = await (0,zip/* readZip */.ue)(file, { verifyMetadata: false, signal });
    const archive = { file, signal, unpacked: 0 };
    return { members: members.map((member) => new PackedMember(archive, member)), wrapper: undefined };
}
class PackedMember {
    #archive;
    #member;
    path;
    constructor(archive, member) {
        this.#archive = archive;
        this.#member = member;
        this.path = member.segments.join('/');
    }
    get kind() {
        if (this.#member.isDirectory)
            return 'directory';
        return this.#member.isSpecial ? 'link or device' : 'file';
    }
    get size() {
        return this.#member.size;
    }
    async packed() {
        const { file, signal } = this.#archive;
        const { isStored, dataOffset, compressedSize } = this.#member;
        const digest = await hashPieces((0,inflate/* steps */.C)(file, { start: dataOffset, length: compressedSize }), signal);
        return `${isStored ? 'stored' : 'deflated'} ${digest}`;
    }
    async content() {
        const { file, signal } = this.#archive;
        // What is announced counts, before a byte is unpacked: it is an error when more comes out.
        this.#archive.unpacked += this.#member.size;
        if (this.#archive.unpacked > COMPARED_BYTES)
            throw (0,archive_fault/* limitFault */.us)(file, `the archive unpacks to more than ${(0,lib_text/* formatBytes */.z3)(COMPARED_BYTES)}`);
        return hashPieces((0,zip/* memberContent */.i_)(file, this.#member, signal), signal);
    }
    traits() {
        const { offset, dataOffset, header, name } = this.#member;
        const local = this.#archive.file.readSync(offset, dataOffset - offset);
        const extras = [
            ...fieldsOf(header, zip_headers/* CENTRAL_BYTES */.oW + header.readUInt16LE(28), header.readUInt16LE(30)),
            ...fieldsOf(local, zip_headers/* LOCAL_BYTES */.cF + local.readUInt16LE(26), local.readUInt16LE(28)),
        ];
        const hex = (of) => extras.filter(([id]) => of(id)).map(([id, content]) => `${id} ${content.toString('hex')}`);
        const isOther = (id) => !TIME_FIELDS.has(id) && !OWNER_FIELDS.has(id);
        const numbers = [header.readUInt32LE(4), local.readUInt16LE(4), header.readUInt16LE(8), header.readUInt16LE(36)];
        return {
            times: [header.readUInt32LE(12), local.readUInt32LE(10), ...hex((id) => TIME_FIELDS.has(id))].join(),
            permissions: String(header.readUInt32LE(38)),
            owners: hex((id) => OWNER_FIELDS.has(id)).join(),
            details: [name, ...numbers, ...hex(isOther)].join(),
        };
    }
}
function fieldsOf(header, start, length) {
    return (0,zip_headers/* extraFields */.W4)(header.subarray(start, start + length));
}

;// CONCATENATED MODULE: ./lib/distributions/members.js








const LONGEST_SENTENCE = 299;
const LONGEST_NAME = 100;
/** Characters of ` and 100000 more`. */
const ROOM_FOR_REST = 16;
/** So many members that differ are told with their sizes; of more, the names are what helps. */
const MEMBERS_WITH_SIZES = 2;
/** Members between two turns of the event loop. */
const MEMBERS_PER_TURN = 500;
/** In what two archives with the same members differ, in the order in which it is told. */
const ASPECTS = {
    times: 'time stamps of the archive',
    permissions: 'permissions',
    owners: 'owners',
    order: 'their order',
    compression: 'how they are compressed',
    details: 'details of how the archive is written',
};
const ORDER = ['times', 'permissions', 'owners', 'order', 'compression', 'details'];
const TRAITS = ['times', 'permissions', 'owners', 'details'];
/** Why two archives are not compared, as a sentence. */
class Incomparable extends Error {
}
/**
 * Says how the index's file of one name differs from ours, by the unpacked content of their members: the end of a
 * sentence, printable, under 300 characters. `file` is that name, which tells the format of an sdist.
 *
 * Memory, bytes and members are bounded (`archive-members.ts`). The index's bytes are foreign: whatever they are, the
 * answer is a sentence ("the index's file is no archive that can be read: ...").
 *
 * @throws the signal's reason when it is aborted, and nothing else
 */
async function describeDifference(ours, theirs, kind, file, signal) {
    const read = kind === 'wheel' || file.endsWith('.zip') ? readZipMembers : readTarMembers;
    const mine = new Side('this file', ours, signal);
    const other = new Side("the index's file", theirs, signal);
    try {
        const archives = { ours: await mine.read(read), theirs: await other.read(read) };
        const found = await compare(archives.ours, archives.theirs, mine, other);
        const isSame = found.differing.length + found.onlyOurs.length + found.onlyTheirs.length === 0;
        if (!isSame)
            return (0,lib_text/* clip */.$Q)(describeMembers(found, kind), LONGEST_SENTENCE);
        const aspects = await aspectsOf(archives.ours, archives.theirs, found, mine, other);
        if (aspects.size === 0 && (await sameBytes(mine, other)))
            return 'no byte of the two files differs';
        return describeAspects(aspects, found.pairs.length, ours.size, theirs.size);
    }
    catch (error) {
        if (signal.aborted)
            throw signal.reason;
        if (error instanceof Incomparable)
            return error.message;
        throw error;
    }
}
/** One of the two files: whatever its bytes make a reader throw becomes a sentence that says which one it is about. */
class Side {
    name;
    file;
    signal;
    constructor(name, file, signal) {
        this.name = name;
        this.file = file;
        this.signal = signal;
    }
    async read(reader) {
        try {
            return await (0,archive_fault/* orCorrupt */.PF)(this.file, this.signal, () => reader(this.file, this.signal));
        }
        catch (error) {
            if (this.signal.aborted || !(error instanceof errors/* PublishError */.S1))
                throw error;
            const prefix = `${this.file.shownName}: `;
            const reason = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
            const verdict = error.code === 'E_DIST_LIMIT' ? 'is not compared member by member' : 'is no archive that can be read';
            throw new Incomparable((0,lib_text/* clip */.$Q)(`${this.name} ${verdict}: ${(0,lib_text/* printable */.g$)(reason)}`, LONGEST_SENTENCE));
        }
    }
}
async function compare(ours, theirs, mine, other) {
    const left = new Map(theirs.members.map((member) => [member.path, member]));
    const pairs = [];
    const differing = [];
    const onlyOurs = [];
    let repacked = false;
    for (const [index, member] of ours.members.entries()) {
        if (index % MEMBERS_PER_TURN === 0)
            await turn(mine.signal);
        const counterpart = left.get(member.path);
        left.delete(member.path);
        if (counterpart === undefined) {
            onlyOurs.push(member);
            continue;
        }
        const pair = { ours: member, theirs: counterpart };
        pairs.push(pair);
        const result = await comparePair(pair, mine, other);
        if (result === 'other')
            differing.push(pair);
        if (result === 'repacked')
            repacked = true;
    }
    return { pairs, differing, onlyOurs, onlyTheirs: [...left.values()], repacked };
}
/** The costly answer last: two deflate streams of the same bytes need not be unpacked. */
async function comparePair({ ours, theirs }, mine, other) {
    if (ours.kind !== theirs.kind || ours.size !== theirs.size)
        return 'other';
    const ourPacked = await mine.read(() => ours.packed());
    if (ourPacked !== undefined && ourPacked === (await other.read(() => theirs.packed())))
        return 'same';
    const content = await mine.read(() => ours.content());
    if (content !== (await other.read(() => theirs.content())))
        return 'other';
    return ourPacked === undefined ? 'same' : 'repacked';
}
async function turn(signal) {
    await (0,promises_.setImmediate)();
    signal.throwIfAborted();
}
/** What differs in archives whose members are all the same. */
async function aspectsOf(ours, theirs, { pairs, repacked }, mine, other) {
    const found = new Set();
    if (repacked)
        found.add('compression');
    for (const [index, pair] of pairs.entries()) {
        if (index % MEMBERS_PER_TURN === 0)
            await turn(mine.signal);
        if (ours.members[index]?.path !== theirs.members[index]?.path)
            found.add('order');
        const left = await mine.read(async () => pair.ours.traits());
        const right = await other.read(async () => pair.theirs.traits());
        for (const trait of TRAITS)
            if (left[trait] !== right[trait])
                found.add(trait);
    }
    const [left, right] = [ours.wrapper, theirs.wrapper];
    if (left?.times !== right?.times)
        found.add('times');
    if (left?.details !== right?.details)
        found.add('details');
    if (left?.content === right?.content && left?.packed !== right?.packed)
        found.add('compression');
    return found;
}
async function sameBytes(mine, other) {
    const digest = (file, signal) => hashPieces((0,inflate/* steps */.C)(file, { start: 0, length: file.size }), signal);
    return (await mine.read(digest)) === (await other.read(digest));
}
function describeAspects(found, members, ours, theirs) {
    const aspects = found.size === 0 ? ['details'] : ORDER.filter((aspect) => found.has(aspect));
    const words = aspects.map((aspect) => ASPECTS[aspect]);
    const last = words.pop();
    const list = words.length === 0 ? last : `${words.join(', ')} and ${last}`;
    const isSingular = aspects.length === 1 && (found.has('order') || found.has('compression'));
    const sizes = found.has('compression') && ours !== theirs ? ` (${bothSizes(ours, theirs)})` : '';
    return `the same ${(0,lib_text/* count */.U9)(members, 'member')}, only ${list} ${isSingular ? 'differs' : 'differ'}${sizes}`;
}
function bothSizes(ours, theirs) {
    const [left, right] = [(0,lib_text/* formatBytes */.z3)(ours), (0,lib_text/* formatBytes */.z3)(theirs)];
    // Two large sizes can look the same.
    return left === right
        ? `${(0,lib_text/* count */.U9)(ours, 'byte')} here, ${(0,lib_text/* count */.U9)(theirs, 'byte')} on the index`
        : `${left} here, ${right} on the index`;
}
function describeMembers({ pairs, differing, onlyOurs, onlyTheirs }, kind) {
    const same = pairs.length - differing.length;
    const added = [
        { members: onlyOurs, where: 'only in this file' },
        { members: onlyTheirs, where: 'only on the index' },
    ].filter(({ members }) => members.length > 0);
    const groups = added.map(({ members, where }, index) => {
        const isFirst = differing.length === 0 && index === 0;
        return {
            head: `${isFirst ? (0,lib_text/* count */.U9)(members.length, 'member') : members.length} ${where}`,
            names: members.map(nameOf),
        };
    });
    if (differing.length > 0)
        groups.unshift(describeDiffering(differing, pairs.length, kind));
    const end = differing.length === 0 && same > 0 ? `; the other ${same} are the same` : '';
    let room = LONGEST_SENTENCE - end.length;
    const parts = groups.map(({ head, names }, index) => {
        const part = `${head}: ${listNames(names, Math.floor(room / (groups.length - index)) - head.length - 4)}`;
        room -= part.length + 2;
        return part;
    });
    return parts.join('; ') + end;
}
function describeDiffering(differing, total, kind) {
    // RECORD holds the digest of each member: that it differs says nothing more.
    const isRecord = ({ ours }) => kind === 'wheel' && /^[^/]+\.dist-info\/RECORD$/.test(ours.path);
    const [records, others] = [differing.filter(isRecord), differing.filter((pair) => !isRecord(pair))];
    const named = others.length <= MEMBERS_WITH_SIZES ? others.map(nameWithDifference) : others.map(({ ours }) => nameOf(ours));
    const verb = differing.length === 1 ? 'differs' : 'differ';
    return {
        head: `${differing.length} of ${(0,lib_text/* count */.U9)(total, 'member')} ${verb}`,
        names: [...named, ...records.map(({ ours }) => nameOf(ours))],
    };
}
function nameWithDifference({ ours, theirs }) {
    const name = nameOf(ours);
    if (ours.kind !== theirs.kind)
        return `${name} (${(0,lib_text/* printable */.g$)(ours.kind, 40)} here, ${(0,lib_text/* printable */.g$)(theirs.kind, 40)} on the index)`;
    return ours.size === theirs.size ? name : `${name} (${bothSizes(ours.size, theirs.size)})`;
}
function nameOf({ path }) {
    const [name = ''] = path.split('\0');
    return (0,lib_text/* printable */.g$)(name, LONGEST_NAME) || '(unprintable name)';
}
/** As many names as there is room for, at least the first, and how many more there are. */
function listNames(names, room) {
    const [first = ''] = names;
    let list = (0,lib_text/* clip */.$Q)(first, room - ROOM_FOR_REST);
    let shown = 1;
    for (const name of names.slice(1)) {
        const longer = `${list}, ${name}`;
        if (longer.length > room - (shown + 1 === names.length ? 0 : ROOM_FOR_REST))
            break;
        list = longer;
        shown += 1;
    }
    return shown === names.length ? list : `${list} and ${names.length - shown} more`;
}


/***/ })

};
