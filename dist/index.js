import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
/******/ var __webpack_modules__ = ({

/***/ 2613:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("assert");

/***/ }),

/***/ 5317:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("child_process");

/***/ }),

/***/ 6982:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("crypto");

/***/ }),

/***/ 4434:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("events");

/***/ }),

/***/ 9896:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("fs");

/***/ }),

/***/ 6698:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:async_hooks");

/***/ }),

/***/ 4573:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:buffer");

/***/ }),

/***/ 7598:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:crypto");

/***/ }),

/***/ 3053:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:diagnostics_channel");

/***/ }),

/***/ 8474:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:events");

/***/ }),

/***/ 3024:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs");

/***/ }),

/***/ 7030:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:net");

/***/ }),

/***/ 8161:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:os");

/***/ }),

/***/ 6760:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:path");

/***/ }),

/***/ 1792:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:querystring");

/***/ }),

/***/ 7075:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:stream");

/***/ }),

/***/ 8500:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:timers/promises");

/***/ }),

/***/ 1692:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:tls");

/***/ }),

/***/ 7975:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:util");

/***/ }),

/***/ 8522:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:zlib");

/***/ }),

/***/ 857:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("os");

/***/ }),

/***/ 6928:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("path");

/***/ }),

/***/ 2203:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("stream");

/***/ }),

/***/ 3193:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("string_decoder");

/***/ }),

/***/ 3557:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("timers");

/***/ }),

/***/ 9023:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("util");

/***/ }),

/***/ 4755:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ cleanUp)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(452);
/* harmony import */ var _material_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(1242);



/**
 * The post step: removes what the main step exported, or could not remove because it was killed. Never fails the job: by
 * now the files are published or not, and a warning says what is left.
 */
function cleanUp(runner) {
    const directory = runner.state(_material_js__WEBPACK_IMPORTED_MODULE_2__/* .MATERIAL_STATE */ .ME);
    if (directory === '' || !(0,node_fs__WEBPACK_IMPORTED_MODULE_0__.existsSync)(directory))
        return;
    try {
        const places = { tmpfs: (0,_material_js__WEBPACK_IMPORTED_MODULE_2__/* .findTmpfs */ ._E)(process.getuid?.()), temp: runner.facts.temp };
        if ((0,_material_js__WEBPACK_IMPORTED_MODULE_2__/* .removeMaterial */ .iq)(directory, places))
            runner.log('Removed', 'the certificate material of this step is gone');
        else
            warn(runner, directory, 'it is not a directory that this action made');
    }
    catch (error) {
        warn(runner, directory, (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .errorCodeOf */ .D9)(error) ?? 'unknown error');
    }
}
function warn(runner, directory, reason) {
    runner.annotate('warning', 'Certificate material was not removed', `${directory} may still hold a private key (${reason}). Remove it by hand on a machine that lives on.`);
}


/***/ }),

/***/ 6716:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   PF: () => (/* binding */ orCorrupt),
/* harmony export */   jt: () => (/* binding */ layoutFault),
/* harmony export */   uK: () => (/* binding */ metadataFault),
/* harmony export */   us: () => (/* binding */ limitFault)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(452);

const REBUILD = 'Build the distribution again with an up-to-date build backend; do not edit or repack the file afterwards.';
/** E_DIST_LAYOUT: an archive that is broken, or that two readers could read differently. */
function layoutFault(file, found, hint = REBUILD, cause) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({ code: 'E_DIST_LAYOUT', message: `${file.shownName}: ${found}`, hint, cause });
}
/** E_DIST_LIMIT: an archive that would cost its reader more than any honest one does. */
function limitFault(file, found) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({
        code: 'E_DIST_LIMIT',
        message: `${file.shownName}: ${found}`,
        hint: 'No known distribution comes near this limit: look at what the archive holds, and build it again without that.',
    });
}
/** E_DIST_METADATA: the core metadata is not where it must be. */
function metadataFault(file, found, hint = REBUILD) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({ code: 'E_DIST_METADATA', message: `${file.shownName}: ${found}`, hint });
}
/**
 * Runs a reader over foreign bytes. Whatever they make it throw is a fault of the archive, told as one (E_DIST_LAYOUT);
 * refusals of our own and the end of the run pass as they are.
 */
async function orCorrupt(file, signal, read) {
    try {
        return await read();
    }
    catch (error) {
        if (error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1 || error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishErrors */ .p5 || signal?.aborted)
            throw error;
        throw layoutFault(file, 'the archive is corrupt', REBUILD, error);
    }
}


/***/ }),

/***/ 3569:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   O: () => (/* binding */ segmentsOf),
/* harmony export */   a: () => (/* binding */ pathFault)
/* harmony export */ });
/** The longest path that Linux opens, and more levels than any honest tree has: what is done for a name stays cheap. */
const LONGEST_NAME = 4096;
const MOST_LEVELS = 128;
/**
 * Why a member's name is refused, in one phrase, or undefined. Such names mean one place to one reader and another place
 * to the next, or a place outside of the directory that is unpacked to.
 */
function pathFault(name) {
    if (/[\0-\x1f\x7f]/.test(name))
        return 'its name holds a control character';
    if (name.startsWith('/') || name.startsWith('\\'))
        return 'its name is an absolute path';
    if (/^[A-Za-z]:/.test(name))
        return 'its name begins with a drive letter';
    if (name.split(/[/\\]/).includes('..'))
        return 'its name climbs out of the archive with `..`';
    if (name.length > LONGEST_NAME || name.split('/').length > MOST_LEVELS)
        return 'its name is too long or too deep';
    return undefined;
}
/** The parts of a member's name, without those that mean nothing (`./a//b/` is `a`, `b`). */
function segmentsOf(name) {
    return name.split('/').filter((segment) => segment !== '' && segment !== '.');
}


/***/ }),

/***/ 6647:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   i: () => (/* binding */ gzipHeaderLength),
/* harmony export */   k: () => (/* binding */ gunzip)
/* harmony export */ });
/* harmony import */ var node_zlib__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8522);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8804);
/* harmony import */ var _archive_fault_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6716);
/* harmony import */ var _inflate_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(7344);




/** Bytes of the fixed part of a gzip header, and of the trailer (CRC32, ISIZE). */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
/** No known writer needs more for its extra field, file name and comment. */
const LONGEST_HEADER = 128 * 1024;
const FLAG = { headerCrc: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 };
/** Inflated bytes that are read: more than 100 times the file is a bomb, unless it is small. */
const LEAST_INFLATED = 256 * 1024 ** 2;
const MOST_INFLATED = 16 * 1024 ** 3;
const MOST_RATIO = 100;
/**
 * Inflates a file that is exactly one gzip member (RFC 1952), and checks the member's CRC32 and length at the end. The
 * header is read here and not by zlib's gunzip, which goes on with a second member in silence; uv decodes the first alone.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT for a bomb; the signal's reason when it is aborted
 */
async function* gunzip(file, signal) {
    const start = gzipHeaderLength(file);
    const length = file.size - start - TRAILER_BYTES;
    if (length < 0)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .layoutFault */ .jt)(file, 'the gzip file is cut off');
    const range = { start, length, what: 'the archive', surplus: (used) => describeRest(file, start + used) };
    const limit = Math.min(MOST_INFLATED, Math.max(LEAST_INFLATED, MOST_RATIO * file.size));
    let checksum = 0;
    let total = 0;
    for await (const chunk of (0,_inflate_js__WEBPACK_IMPORTED_MODULE_3__/* .inflate */ .U)(file, range, signal)) {
        total += chunk.length;
        if (total > limit)
            throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .limitFault */ .us)(file, `the archive inflates to more than ${(0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .formatBytes */ .z3)(limit)}`);
        checksum = (0,node_zlib__WEBPACK_IMPORTED_MODULE_0__.crc32)(chunk, checksum);
        yield chunk;
    }
    const trailer = file.readSync(file.size - TRAILER_BYTES, TRAILER_BYTES);
    if (trailer.readUInt32LE(0) !== checksum)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .layoutFault */ .jt)(file, 'the gzip checksum does not fit the content');
    if (trailer.readUInt32LE(4) !== total % 2 ** 32)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .layoutFault */ .jt)(file, 'the gzip length does not fit the content');
}
/**
 * Where the compressed data of a gzip file begins, in bytes.
 *
 * @throws PublishError E_DIST_LAYOUT
 */
function gzipHeaderLength(file) {
    const bytes = file.readSync(0, Math.min(LONGEST_HEADER, file.size));
    if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== 0x1f8b) {
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .layoutFault */ .jt)(file, `expected a gzip file (.tar.gz), found ${kindOf(bytes)}`);
    }
    const flags = bytes.readUInt8(3);
    if (bytes.readUInt8(2) !== 8 || (flags & FLAG.reserved) !== 0) {
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .layoutFault */ .jt)(file, 'the gzip header is not of the only kind there is (deflate, no reserved flags)');
    }
    const end = endOfFields(bytes, flags);
    if (end === undefined)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_2__/* .layoutFault */ .jt)(file, 'the gzip header does not end');
    return end;
}
/** The fields that stand behind the fixed part, in RFC 1952's order; undefined when one of them runs past the bytes. */
function endOfFields(bytes, flags) {
    let end = HEADER_BYTES;
    if (flags & FLAG.extra) {
        if (end + 2 > bytes.length)
            return undefined;
        end += 2 + bytes.readUInt16LE(end);
    }
    for (const text of [FLAG.name, FLAG.comment]) {
        if ((flags & text) === 0)
            continue;
        const zero = end < bytes.length ? bytes.indexOf(0, end) : -1;
        if (zero < 0)
            return undefined;
        end = zero + 1;
    }
    if (flags & FLAG.headerCrc) {
        if (end + 2 > bytes.length || bytes.readUInt16LE(end) !== ((0,node_zlib__WEBPACK_IMPORTED_MODULE_0__.crc32)(bytes.subarray(0, end)) & 0xffff))
            return undefined;
        end += 2;
    }
    return end <= bytes.length ? end : undefined;
}
/** The compressed data ended before the file did: says what follows. */
function describeRest(file, dataEnd) {
    const memberEnd = dataEnd + TRAILER_BYTES;
    const surplus = file.size - memberEnd;
    if (surplus <= 0)
        return 'the gzip file is cut off';
    const second = surplus >= 2 && file.readSync(memberEnd, 2).readUInt16BE(0) === 0x1f8b;
    return second
        ? `a second gzip member begins at byte ${memberEnd}, which some installers read and others do not`
        : `the file goes on for ${(0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .count */ .U9)(surplus, 'byte')} behind the end of its gzip member at byte ${memberEnd}`;
}
function kindOf(bytes) {
    const start = bytes.toString('latin1', 0, 6);
    if (bytes.toString('latin1', 257, 262) === 'ustar')
        return 'a tar file that is not compressed';
    if (start.startsWith('PK'))
        return 'a zip file';
    if (start.startsWith('BZh'))
        return 'a bzip2 file';
    if (start.startsWith('\xfd7zXZ'))
        return 'an xz file';
    return bytes.length === 0 ? 'an empty file' : 'something else';
}


/***/ }),

/***/ 7344:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   C: () => (/* binding */ steps),
/* harmony export */   U: () => (/* binding */ inflate)
/* harmony export */ });
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7075);
/* harmony import */ var node_zlib__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8522);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(452);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(8804);
/* harmony import */ var _archive_fault_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(6716);





/** Bytes of one step: what is read at once, and what is inflated at once. */
const STEP_BYTES = 64 * 1024;
/** Compressed bytes that are inflated in one go: they give 4 MB at most (1,032 times as many). */
const SHORT_BYTES = 4 * 1024;
/**
 * Inflates one deflate stream (RFC 1951) that must fill its range to the last byte: what stands behind its end is read
 * by some readers and not by others. Memory is bounded by the step or by 4 MB, not by what comes out; counting that is up
 * to the caller.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
async function* inflate(file, range, signal) {
    const { length, what, surplus } = range;
    signal?.throwIfAborted();
    let consumed;
    try {
        consumed = yield* length <= SHORT_BYTES ? inflateShort(file, range) : inflateLong(file, range, signal);
    }
    catch (error) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .errorCodeOf */ .D9)(error);
        if (code === 'Z_BUF_ERROR')
            throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_4__/* .layoutFault */ .jt)(file, `${what} is cut off inside its compressed data`);
        if (code?.startsWith('Z_'))
            throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_4__/* .layoutFault */ .jt)(file, `the compressed data of ${what} is corrupt`, undefined, error);
        throw error;
    }
    if (consumed === length)
        return;
    const rest = surplus?.(consumed) ??
        `the compressed data of ${what} ends ${(0,_text_js__WEBPACK_IMPORTED_MODULE_3__/* .count */ .U9)(length - consumed, 'byte')} before its announced end`;
    throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_4__/* .layoutFault */ .jt)(file, rest);
}
/** An archive can have a hundred thousand members of some lines each: a stream for each would cost ten times as much. */
function* inflateShort(file, { start, length }) {
    const result = (0,node_zlib__WEBPACK_IMPORTED_MODULE_1__.inflateRawSync)(file.readSync(start, length), { info: true });
    if (!isInflated(result))
        throw new Error('zlib does not say how many bytes it read');
    if (result.buffer.length > 0)
        yield result.buffer;
    return result.engine.bytesWritten;
}
/** What `info: true` makes of the answer, which the types leave out. */
function isInflated(value) {
    return typeof value === 'object' && value !== null && 'buffer' in value && 'engine' in value;
}
async function* inflateLong(file, range, signal) {
    const inflater = (0,node_zlib__WEBPACK_IMPORTED_MODULE_1__.createInflateRaw)({ chunkSize: STEP_BYTES });
    const source = node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable.from(steps(file, range), { objectMode: false, highWaterMark: STEP_BYTES });
    source.on('error', (error) => inflater.destroy(error));
    source.pipe(inflater);
    try {
        for await (const chunk of inflater) {
            signal?.throwIfAborted();
            yield chunk;
        }
    }
    finally {
        source.destroy();
        inflater.destroy();
    }
    return inflater.bytesWritten;
}
/** The bytes of a range of a file, as they are, a step at a time. */
function* steps(file, { start, length }) {
    for (let done = 0; done < length; done += STEP_BYTES) {
        yield file.readSync(start + done, Math.min(STEP_BYTES, length - done));
    }
}


/***/ }),

/***/ 2656:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Ml: () => (/* binding */ TarFault),
/* harmony export */   OH: () => (/* binding */ parseTarHeader),
/* harmony export */   PF: () => (/* binding */ parseLongName),
/* harmony export */   Q5: () => (/* binding */ paxRecords),
/* harmony export */   Yo: () => (/* binding */ BLOCK_BYTES),
/* harmony export */   dA: () => (/* binding */ parsePax),
/* harmony export */   rz: () => (/* binding */ applyExtensions)
/* harmony export */ });
/* harmony import */ var _archive_path_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3569);

/** Bytes of a header, and the unit that content is padded to. */
const BLOCK_BYTES = 512;
/** Sizes from here on do not fit into a header's octal field (POSIX): pax or base-256 holds them. */
const OCTAL_END = 8 ** 11;
/** Mode, owner, group, time and device: what nobody needs here, but Python stops reading where one is no number. */
const OTHER_NUMBERS = [
    [100, 108],
    [108, 116],
    [116, 124],
    [136, 148],
    [329, 337],
    [337, 345],
];
/** A phrase that says why a header is refused. */
class TarFault extends Error {
}
/**
 * Reads one header block (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar's "Basic Tar Format").
 *
 * @throws TarFault
 */
function parseTarHeader(block) {
    const magic = block.toString('latin1', 257, 265);
    const gnu = magic === 'ustar  \0';
    if (!gnu && magic !== 'ustar\x0000')
        throw new TarFault('it is no tar header of a kind that is in use (ustar, GNU, pax)');
    if (checksumOf(block) !== octal(block.subarray(148, 156)))
        throw new TarFault('its checksum is wrong');
    // Python takes these bytes for the first part of the name, GNU tar for times and sparse maps.
    if (gnu && block.subarray(345, 500).some((byte) => byte !== 0)) {
        throw new TarFault('it has GNU fields (access times, a sparse map) that readers take for a part of the name');
    }
    if (!OTHER_NUMBERS.every(([start, end]) => isNumber(block.subarray(start, end)))) {
        throw new TarFault('one of its numbers (mode, owner, time, device) is none, where Python ends the archive');
    }
    const prefix = gnu ? '' : textOf(block.subarray(345, 500));
    const name = textOf(block.subarray(0, 100));
    const type = String.fromCharCode(block.readUInt8(156));
    return {
        type: type === '\0' ? '0' : type,
        name: prefix === '' ? name : `${prefix}/${name}`,
        target: textOf(block.subarray(157, 257)),
        size: sizeOf(block.subarray(124, 136)),
        block,
    };
}
/** The sum of all bytes, those of the checksum itself counted as blanks. */
function checksumOf(block) {
    let sum = 8 * 0x20;
    for (let index = 0; index < BLOCK_BYTES; index += 1) {
        if (index < 148 || index >= 156)
            sum += block.readUInt8(index);
    }
    return sum;
}
function sizeOf(field) {
    if (field.readUInt8(0) < 0x80)
        return octal(field);
    // GNU's base-256 for large files: the first byte is a mark, 0xff that of a negative number.
    const high = field.readUInt32BE(1);
    const middle = field.readUInt32BE(5);
    const low = field.readUIntBE(9, 3);
    const size = (middle & 0x1fffffff) * 2 ** 24 + low;
    if (field.readUInt8(0) !== 0x80 || high !== 0 || middle > 0x1fffffff)
        throw new TarFault('its size is negative or beyond all bounds');
    return size;
}
/** Whether CPython's tarfile reads a field: octal up to a NUL, nothing at all, or GNU's base-256. */
function isNumber(field) {
    const [first] = field;
    const end = field.indexOf(0);
    return (first === 0x80 || first === 0xff || /^ *[0-7]* *$/.test(field.toString('latin1', 0, end < 0 ? field.length : end)));
}
function octal(field) {
    const digits = /^ *([0-7]+)[ \0]*$/.exec(field.toString('latin1'))?.[1];
    if (digits === undefined)
        throw new TarFault('one of its numbers is no octal number');
    return Number.parseInt(digits, 8);
}
/** Text up to the first NUL. Bytes that are no UTF-8 (names of old test data) become U+FFFD. */
function textOf(field) {
    const end = field.indexOf(0);
    return field.toString('utf8', 0, end < 0 ? field.length : end);
}
/**
 * Reads GNU's long name or long link name: text that one NUL ends.
 *
 * @throws TarFault
 */
function parseLongName(content) {
    const end = content.indexOf(0);
    const text = end < 0 ? content : content.subarray(0, end);
    if (end >= 0 && content.subarray(end).some((byte) => byte !== 0))
        throw new TarFault('its long name goes on behind a NUL');
    if (text.length === 0)
        throw new TarFault('its long name is empty');
    return text.toString('utf8');
}
/**
 * Reads the records of a pax extended header: `length key=value\n`, each once.
 *
 * @throws TarFault, also for what other readers leave out or read in their own way: sparse files, NUL, other charsets
 */
function parsePax(content) {
    const records = paxRecords(content);
    const charset = records.get('hdrcharset')?.toString('latin1');
    if (charset !== undefined && charset !== 'ISO-IR 10646 2000 UTF-8')
        throw new TarFault('its pax header is not in UTF-8');
    const path = paxText(records, 'path');
    const linkpath = paxText(records, 'linkpath');
    const size = paxText(records, 'size');
    if (size !== undefined && !/^[0-9]{1,15}$/.test(size))
        throw new TarFault('its pax size is no number');
    return {
        ...(path !== undefined && { path }),
        ...(linkpath !== undefined && { linkpath }),
        ...(size !== undefined && { size: Number(size) }),
    };
}
/**
 * The records of a pax extended header by their keys.
 *
 * @throws TarFault
 */
function paxRecords(content) {
    const records = new Map();
    for (let position = 0; position < content.length;) {
        const { key, value, end } = paxRecord(content, position);
        if (records.has(key))
            throw new TarFault(`its pax header has ${key} twice`);
        if (key.startsWith('GNU.sparse'))
            throw new TarFault('it is a sparse file, which readers do not read alike');
        records.set(key, value);
        position = end;
    }
    return records;
}
function paxRecord(content, start) {
    const broken = new TarFault('its pax header is corrupt');
    const blank = content.indexOf(0x20, start);
    const digits = blank < 0 || blank - start > 8 ? '' : content.toString('latin1', start, blank);
    if (!/^[1-9][0-9]*$/.test(digits))
        throw broken;
    const end = start + Number(digits);
    const equals = content.indexOf(0x3d, blank);
    if (end > content.length || end <= blank || content[end - 1] !== 0x0a || equals < 0 || equals >= end)
        throw broken;
    return { key: content.toString('latin1', blank + 1, equals), value: content.subarray(equals + 1, end - 1), end };
}
function paxText(records, key) {
    const value = records.get(key);
    if (value === undefined)
        return undefined;
    if (value.length === 0)
        throw new TarFault(`its pax ${key} is empty`);
    if (value.includes(0))
        throw new TarFault(`its pax ${key} holds a NUL, where some readers cut it`);
    try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    }
    catch {
        throw new TarFault(`its pax ${key} is not UTF-8`);
    }
}
/**
 * The header as the extended headers before it change it.
 *
 * @throws TarFault where they contradict it, so that readers which know them and readers which do not see two archives
 */
function applyExtensions(header, pax, longName, longTarget) {
    if (pax.path !== undefined && longName !== undefined)
        throw new TarFault('it has a pax path and a GNU long name');
    if (pax.linkpath !== undefined && longTarget !== undefined)
        throw new TarFault('it has a pax linkpath and a GNU long link');
    if (pax.size !== undefined && pax.size !== header.size && pax.size < OCTAL_END) {
        throw new TarFault(`its size is ${header.size} in the header and ${pax.size} in the pax header`);
    }
    const changed = {
        ...header,
        name: pax.path ?? longName ?? header.name,
        target: pax.linkpath ?? longTarget ?? header.target,
        size: pax.size ?? header.size,
    };
    const fault = (0,_archive_path_js__WEBPACK_IMPORTED_MODULE_0__/* .pathFault */ .a)(changed.name);
    if (fault !== undefined)
        throw new TarFault(fault);
    return changed;
}


/***/ }),

/***/ 2179:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  F: () => (/* binding */ tarMembers)
});

// EXTERNAL MODULE: ./lib/text.js
var lib_text = __nccwpck_require__(8804);
// EXTERNAL MODULE: ./lib/distributions/archive-fault.js
var archive_fault = __nccwpck_require__(6716);
;// CONCATENATED MODULE: ./lib/distributions/byte-reader.js
/** Takes bytes by count from a stream of chunks of any size. */
class ByteReader {
    #source;
    #chunk = Buffer.alloc(0);
    /** Bytes taken or skipped so far. */
    position = 0;
    constructor(source) {
        this.#source = source[Symbol.asyncIterator]();
    }
    /** The next `length` bytes; fewer only at the end of the stream. */
    async take(length) {
        const parts = [];
        for await (const part of this.pieces(length))
            parts.push(part);
        return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    }
    /** The next `length` bytes as they come; fewer only at the end of the stream. */
    async *pieces(length) {
        let missing = length;
        while (missing > 0 && (await this.#fill())) {
            const part = this.#advance(missing);
            missing -= part.length;
            yield part;
        }
    }
    /** Whether there were `length` bytes more to skip. */
    async skip(length) {
        let missing = length;
        while (missing > 0 && (await this.#fill()))
            missing -= this.#advance(missing).length;
        return missing === 0;
    }
    /** What is left, chunk by chunk. */
    async *rest() {
        while (await this.#fill())
            yield this.#advance(this.#chunk.length);
    }
    /** Whether there is at least one byte; waits for it. */
    async #fill() {
        while (this.#chunk.length === 0) {
            const next = await this.#source.next();
            if (next.done)
                return false;
            this.#chunk = next.value;
        }
        return true;
    }
    #advance(most) {
        const part = this.#chunk.subarray(0, most);
        this.#chunk = this.#chunk.subarray(part.length);
        this.position += part.length;
        return part;
    }
    /** Tells the source that nothing more is wanted. */
    async close() {
        await this.#source.return?.();
    }
}

// EXTERNAL MODULE: ./lib/distributions/tar-header.js
var tar_header = __nccwpck_require__(2656);
;// CONCATENATED MODULE: ./lib/distributions/tar.js




const MOST_HEADERS = 200_000;
/** Bytes of a pax header or a long name. */
const LONGEST_EXTENSION = 1024 ** 2;
const ZERO_CHUNK = Buffer.alloc(64 * 1024);
/** By type flag, what is read. All else (FIFO, device, sparse, multi-volume, unknown) has no place in an sdist. */
const KINDS = new Map([
    ['0', 'file'],
    ['1', 'hard link'],
    ['2', 'symbolic link'],
    ['5', 'directory'],
]);
/**
 * Walks over a whole tar archive, header by header, to the last byte: which of two members of one name counts, and what
 * stands behind the end, differs from reader to reader, so nothing may be left unseen. Linear in time; memory is that of
 * one extended header.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT
 */
async function* tarMembers(file, bytes) {
    const reader = new ByteReader(bytes);
    try {
        let extensions = {};
        for (let headers = 0;; headers += 1) {
            if (headers > MOST_HEADERS)
                throw (0,archive_fault/* limitFault */.us)(file, `the archive has more than ${MOST_HEADERS} members`);
            const offset = reader.position;
            const block = await reader.take(tar_header/* BLOCK_BYTES */.Yo);
            if (block.length < tar_header/* BLOCK_BYTES */.Yo)
                throw (0,archive_fault/* layoutFault */.jt)(file, `the tar archive ends without its two end blocks at byte ${offset}`);
            if (isZero(block)) {
                if (Object.keys(extensions).length > 0)
                    throw (0,archive_fault/* layoutFault */.jt)(file, 'the tar archive ends behind an extended header');
                return await readEnd(file, reader);
            }
            const header = atOffset(file, offset, () => (0,tar_header/* parseTarHeader */.OH)(block));
            const extended = await readExtension(file, reader, header, offset, extensions);
            if (extended !== undefined) {
                extensions = extended;
                continue;
            }
            yield* oneMember(file, reader, header, offset, extensions);
            extensions = {};
        }
    }
    finally {
        await reader.close();
    }
}
/** Says which member a fault is about. */
function atOffset(file, offset, parse, name) {
    try {
        return parse();
    }
    catch (error) {
        if (!(error instanceof tar_header/* TarFault */.Ml))
            throw error;
        const member = name === undefined ? 'the tar member' : `the tar member ${(0,lib_text/* printable */.g$)(name, 120)}`;
        throw (0,archive_fault/* layoutFault */.jt)(file, `${member} at byte ${offset} of the archive is refused: ${error.message}`);
    }
}
/** What is known after an extended header; undefined when this is the header of a member itself. */
async function readExtension(file, reader, header, offset, before) {
    if (!['x', 'g', 'L', 'K'].includes(header.type))
        return undefined;
    if (header.size > LONGEST_EXTENSION) {
        throw (0,archive_fault/* limitFault */.us)(file, `the extended header at byte ${offset} of the archive has more than ${(0,lib_text/* formatBytes */.z3)(LONGEST_EXTENSION)}`);
    }
    const content = await reader.take(header.size);
    if (content.length < header.size)
        throw cutOff(file, offset);
    await skipPadding(file, reader, header.size, offset);
    return atOffset(file, offset, () => extend(header.type, content, before));
}
function extend(type, content, before) {
    if (type === 'g') {
        // `git archive` writes its commit there. What would rename or resize every member behind it is nobody's honest work.
        if (Object.keys((0,tar_header/* parsePax */.dA)(content)).length > 0)
            throw new tar_header/* TarFault */.Ml('it sets path or size for all members');
        return before;
    }
    const key = type === 'x' ? 'pax' : type === 'L' ? 'longName' : 'longTarget';
    if (before[key] !== undefined)
        throw new tar_header/* TarFault */.Ml('it has two extended headers of one kind');
    if (type === 'x')
        return { ...before, pax: (0,tar_header/* parsePax */.dA)(content), paxContent: content };
    return { ...before, [key]: (0,tar_header/* parseLongName */.PF)(content) };
}
async function* oneMember(file, reader, header, offset, { pax = {}, paxContent = Buffer.alloc(0), longName, longTarget }) {
    const { type, name, target, size } = atOffset(file, offset, () => (0,tar_header/* applyExtensions */.rz)(header, pax, longName, longTarget));
    const kind = atOffset(file, offset, () => kindOf(type, name, size), name);
    const start = reader.position;
    const content = async () => {
        const bytes = await reader.take(size);
        if (bytes.length < size)
            throw cutOff(file, offset);
        return bytes;
    };
    async function* pieces() {
        yield* reader.pieces(size);
        if (reader.position < start + size)
            throw cutOff(file, offset);
    }
    yield { kind, name, target, size, offset, content, pieces, block: header.block, pax: paxContent };
    if (!(await reader.skip(start + size - reader.position)))
        throw cutOff(file, offset);
    await skipPadding(file, reader, size, offset);
}
function kindOf(type, name, size) {
    const kind = KINDS.get(type);
    if (kind === undefined)
        throw new tar_header/* TarFault */.Ml(`it is neither file, directory nor link (type ${(0,lib_text/* printable */.g$)(type)})`);
    if (name === '')
        throw new tar_header/* TarFault */.Ml('it has no name');
    if (kind === 'file' && name.endsWith('/'))
        throw new tar_header/* TarFault */.Ml('it is a file to some readers and a directory to others');
    // Python goes on right behind such a header, others skip the content that it announces.
    if (kind !== 'file' && size !== 0)
        throw new tar_header/* TarFault */.Ml(`it is a ${kind} with content`);
    return kind;
}
async function skipPadding(file, reader, size, offset) {
    const padding = (tar_header/* BLOCK_BYTES */.Yo - (size % tar_header/* BLOCK_BYTES */.Yo)) % tar_header/* BLOCK_BYTES */.Yo;
    if (!(await reader.skip(padding)))
        throw cutOff(file, offset);
}
/** Behind the first end block: a second one, and nothing but zero blocks, the last one whole. */
async function readEnd(file, reader) {
    const second = await reader.take(tar_header/* BLOCK_BYTES */.Yo);
    if (second.length < tar_header/* BLOCK_BYTES */.Yo)
        throw (0,archive_fault/* layoutFault */.jt)(file, 'the tar archive has one end block where two must be');
    if (!isZero(second))
        throw behindEnd(file);
    for await (const chunk of reader.rest())
        if (!isZero(chunk))
            throw behindEnd(file);
    const rest = reader.position % tar_header/* BLOCK_BYTES */.Yo;
    if (rest !== 0)
        throw (0,archive_fault/* layoutFault */.jt)(file, `the tar archive ends ${rest} bytes into a block of ${tar_header/* BLOCK_BYTES */.Yo}`);
}
function behindEnd(file) {
    return (0,archive_fault/* layoutFault */.jt)(file, 'data stands behind the end of the tar archive, which some installers read and others do not');
}
function cutOff(file, offset) {
    return (0,archive_fault/* layoutFault */.jt)(file, `the tar archive is cut off inside the member at byte ${offset}`);
}
function isZero(bytes) {
    for (let start = 0; start < bytes.length; start += ZERO_CHUNK.length) {
        const part = bytes.subarray(start, start + ZERO_CHUNK.length);
        if (!part.equals(ZERO_CHUNK.subarray(0, part.length)))
            return false;
    }
    return true;
}


/***/ }),

/***/ 6228:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ readZipEnd)
/* harmony export */ });
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8804);
/* harmony import */ var _archive_fault_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(6716);
/* harmony import */ var _zip_headers_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6719);



const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;
const LOCATOR_BYTES = 20;
const LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_END_BYTES = 56;
const ZIP64_END_SIGNATURE = 0x06064b50;
const LONGEST_DIRECTORY = 64 * 1024 ** 2;
const MOST_MEMBERS = 200_000;
/** How far from the end an end record is looked for, only to say what is wrong. */
const SEARCHED_BYTES = 1024 ** 2;
const STRIP_HINT = 'Build it again into an empty directory: a build tool that writes over a longer file leaves its end behind, and some steps that copy files pad them.';
/**
 * Reads the end of a zip archive: the end record must be the last 22 bytes, zip64's two records stand right before it,
 * and the central directory right before those. Readers look for these in different ways and find different archives
 * where more than one could be meant.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT
 */
function readZipEnd(file) {
    const position = file.size - END_BYTES;
    const end = position < 0 ? undefined : file.readSync(position, END_BYTES);
    if (end === undefined || end.readUInt32LE(0) !== END_SIGNATURE || end.readUInt16LE(20) !== 0) {
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .layoutFault */ .jt)(file, ...describeEnd(file));
    }
    const short = {
        members: end.readUInt16LE(10),
        size: end.readUInt32LE(12),
        offset: end.readUInt32LE(16),
    };
    if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== short.members)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .layoutFault */ .jt)(file, 'the zip archive spans several disks');
    const { range, start } = zip64End(file, position, short) ?? { range: short, start: position };
    const expected = range.offset + range.size;
    if (expected !== start) {
        const gap = start - expected;
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .layoutFault */ .jt)(file, gap > 0
            ? `there is a gap of ${(0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .count */ .U9)(gap, 'byte')} in the zip archive: data stands before it, or between its directory and its end record at byte ${start}`
            : `the central directory of the zip archive overlaps its end record at byte ${start}`);
    }
    if (range.size > LONGEST_DIRECTORY)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .limitFault */ .us)(file, `the central directory has more than ${LONGEST_DIRECTORY} bytes`);
    if (range.members > MOST_MEMBERS)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .limitFault */ .us)(file, `the archive has more than ${MOST_MEMBERS} members`);
    return range;
}
/** What zip64's records say; undefined where there are none. Python reads them wherever they stand, whether needed or not. */
function zip64End(file, endPosition, short) {
    const locatorPosition = endPosition - LOCATOR_BYTES;
    if (locatorPosition < 0)
        return undefined;
    const locator = file.readSync(locatorPosition, LOCATOR_BYTES);
    if (locator.readUInt32LE(0) !== LOCATOR_SIGNATURE)
        return undefined;
    const start = locatorPosition - ZIP64_END_BYTES;
    const disks = locator.readUInt32LE(4) === 0 && locator.readUInt32LE(16) === 1;
    if (start < 0 || !disks || (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_2__/* .readUInt64 */ .H0)(locator, 8) !== start) {
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .layoutFault */ .jt)(file, `the zip64 locator at byte ${locatorPosition} does not point at the record right before it`);
    }
    const record = file.readSync(start, ZIP64_END_BYTES);
    // 44: the size of the record without its first twelve bytes, and without the extensible data that nobody uses.
    if (record.readUInt32LE(0) !== ZIP64_END_SIGNATURE || (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_2__/* .readUInt64 */ .H0)(record, 4) !== ZIP64_END_BYTES - 12) {
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .layoutFault */ .jt)(file, `there is no zip64 end record of 56 bytes at byte ${start}`);
    }
    const range = { members: (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_2__/* .readUInt64 */ .H0)(record, 32), size: (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_2__/* .readUInt64 */ .H0)(record, 40), offset: (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_2__/* .readUInt64 */ .H0)(record, 48) };
    const oneDisk = record.readUInt32LE(16) === 0 && record.readUInt32LE(20) === 0 && (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_2__/* .readUInt64 */ .H0)(record, 24) === range.members;
    const agrees = agree(short.members, range.members, 0xffff) &&
        agree(short.size, range.size, 0xffffffff) &&
        agree(short.offset, range.offset, 0xffffffff);
    if (!oneDisk || !agrees)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_1__/* .layoutFault */ .jt)(file, `the zip64 end record at byte ${start} and the end record contradict each other`);
    return { range, start };
}
function agree(short, long, seeThere) {
    return short === long || short === seeThere;
}
/** Why the last 22 bytes are no end record: the sentence, and what to do where that is known. */
function describeEnd(file) {
    const start = Math.max(0, file.size - SEARCHED_BYTES);
    const tail = file.readSync(start, file.size - start);
    const signature = Buffer.alloc(4);
    signature.writeUInt32LE(END_SIGNATURE);
    for (let at = tail.lastIndexOf(signature); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(signature, at - 1)) {
        const rest = tail.length - at - END_BYTES;
        if (rest < 0)
            continue;
        const comment = tail.readUInt16LE(at + 20);
        if (comment > 0)
            return [`the zip archive has a comment of ${(0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .count */ .U9)(comment, 'byte')}, in which a second archive could stand`];
        return [
            `the file goes on for ${(0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .count */ .U9)(rest, 'byte')} behind the end of the zip archive (end record at byte ${start + at}): uv will not install it and PyPI does not take it`,
            STRIP_HINT,
        ];
    }
    const begins = tail.subarray(0, 2).toString('latin1') === 'PK' || start > 0;
    return [begins ? 'the zip archive is cut off: it has no end record' : 'expected a zip archive, found something else'];
}


/***/ }),

/***/ 6719:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $R: () => (/* binding */ localHeaderLength),
/* harmony export */   Ed: () => (/* binding */ ZipFault),
/* harmony export */   H0: () => (/* binding */ readUInt64),
/* harmony export */   W4: () => (/* binding */ extraFields),
/* harmony export */   WJ: () => (/* binding */ compareLocalHeader),
/* harmony export */   Zw: () => (/* binding */ descriptorLengths),
/* harmony export */   _g: () => (/* binding */ parseCentralHeader),
/* harmony export */   cF: () => (/* binding */ LOCAL_BYTES),
/* harmony export */   oW: () => (/* binding */ CENTRAL_BYTES),
/* harmony export */   ol: () => (/* binding */ isDescriptor)
/* harmony export */ });
/* harmony import */ var node_buffer__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(4573);
/* harmony import */ var _archive_path_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3569);


/** APPNOTE.TXT 6.3: signatures, and bytes of each record's fixed part. */
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const DESCRIPTOR_SIGNATURE = 0x08074b50;
/** "See the zip64 field". */
const IN_ZIP64 = 0xffffffff;
const ZIP64_FIELD = 0x0001;
/** Info-ZIP's second name for a member, which some readers take and some do not. */
const UNICODE_PATH_FIELD = 0x7075;
const FLAG = {
    encrypted: 0x0001,
    descriptor: 0x0008,
    patch: 0x0020,
    strong: 0x0040,
    utf8: 0x0800,
    masked: 0x2000,
};
/** Hints of the compressor, a descriptor behind the data, a name in UTF-8. */
const KNOWN_FLAGS = 0x0006 | FLAG.descriptor | FLAG.utf8;
/** 6.3, the newest version of the format that Python takes for readable; it looks at the lower byte alone. */
const NEWEST_VERSION = 63;
const STORED = 0;
const DEFLATED = 8;
/** A phrase that says why a record is refused. */
class ZipFault extends Error {
}
/**
 * Reads the central header at `position`.
 *
 * @throws ZipFault
 */
function parseCentralHeader(directory, position) {
    const header = directory.subarray(position);
    if (header.length < CENTRAL_BYTES || header.readUInt32LE(0) !== CENTRAL_SIGNATURE) {
        throw new ZipFault('the central directory is corrupt: there is no header where one must be');
    }
    const nameEnd = CENTRAL_BYTES + header.readUInt16LE(28);
    const extraEnd = nameEnd + header.readUInt16LE(30);
    if (extraEnd > header.length)
        throw new ZipFault('the central directory ends inside a header');
    if (header.readUInt16LE(32) !== 0)
        throw new ZipFault('it has a comment');
    if (header.readUInt16LE(34) !== 0)
        throw new ZipFault('it is said to be on another disk');
    if (header.readUInt8(6) > NEWEST_VERSION)
        throw new ZipFault('it needs a version of the zip format that pip does not know');
    const flags = header.readUInt16LE(8);
    const [compressed, uncompressed, offset32] = [
        header.readUInt32LE(20),
        header.readUInt32LE(24),
        header.readUInt32LE(42),
    ];
    const zip64 = zip64Values(header.subarray(nameEnd, extraEnd), [uncompressed, compressed, offset32]);
    const [size = 0, compressedSize = 0, offset = 0] = zip64.values;
    const rawName = header.subarray(CENTRAL_BYTES, nameEnd);
    return {
        name: nameOf(rawName, flags),
        rawName,
        flags,
        method: methodOf(header.readUInt16LE(10), flags, size, compressedSize),
        crc: header.readUInt32LE(16),
        compressedSize,
        size,
        offset,
        unixType: (header.readUInt32LE(38) >>> 16) & 0o170000,
        hasDescriptor: (flags & FLAG.descriptor) !== 0,
        surplusZip64: zip64.surplus !== undefined,
        bytes: header.subarray(0, extraEnd),
    };
}
function nameOf(raw, flags) {
    if (!(0,node_buffer__WEBPACK_IMPORTED_MODULE_0__.isUtf8)(raw))
        throw new ZipFault('its name is not UTF-8');
    const name = raw.toString('utf8');
    if (name === '')
        throw new ZipFault('it has no name');
    if ((flags & FLAG.utf8) === 0 && raw.some((byte) => byte > 0x7f)) {
        throw new ZipFault('its name is not ASCII and not marked as UTF-8, so that pip unpacks it under another name');
    }
    if (name.includes('\\'))
        throw new ZipFault('its name holds a backslash');
    const fault = (0,_archive_path_js__WEBPACK_IMPORTED_MODULE_1__/* .pathFault */ .a)(name);
    if (fault !== undefined)
        throw new ZipFault(fault);
    return name;
}
function methodOf(method, flags, size, compressedSize) {
    if ((flags & (FLAG.encrypted | FLAG.strong | FLAG.masked)) !== 0)
        throw new ZipFault('it is encrypted');
    if ((flags & ~KNOWN_FLAGS) !== 0)
        throw new ZipFault('it has flags that installers do not know');
    if (method !== STORED && method !== DEFLATED)
        throw new ZipFault(`its compression method ${method} is not one that installers know`);
    if (method === STORED && size !== compressedSize)
        throw new ZipFault('it is stored, and its two sizes differ');
    return method;
}
/**
 * The values as the zip64 field completes them (APPNOTE 4.5.3): one of eight bytes for each that says "see there", in
 * order, and nothing else. A field that no value asks for is `surplus`.
 */
function zip64Values(extra, values) {
    const fields = extraFields(extra);
    if (fields.has(UNICODE_PATH_FIELD))
        throw new ZipFault('it has a second name (Info-ZIP unicode path)');
    const field = fields.get(ZIP64_FIELD);
    const wanted = values.filter((value) => value === IN_ZIP64).length;
    if (wanted === 0)
        return { values: [...values], surplus: field };
    if (field?.length !== wanted * 8) {
        throw new ZipFault(`its zip64 field has ${field?.length ?? 0} bytes where ${wanted * 8} must be`);
    }
    let position = 0;
    const completed = values.map((value) => {
        if (value !== IN_ZIP64)
            return value;
        position += 8;
        return readUInt64(field, position - 8);
    });
    return { values: completed, surplus: undefined };
}
/**
 * The extra fields of a header by their id; of two with one id the last.
 *
 * @throws ZipFault
 */
function extraFields(extra) {
    const fields = new Map();
    for (let position = 0; position < extra.length;) {
        const start = position + 4;
        const end = start <= extra.length ? start + extra.readUInt16LE(position + 2) : start;
        if (end > extra.length)
            throw new ZipFault('its extra fields are corrupt');
        const id = extra.readUInt16LE(position);
        if (id === ZIP64_FIELD && fields.has(id))
            throw new ZipFault('it has two zip64 fields');
        fields.set(id, extra.subarray(start, end));
        position = end;
    }
    return fields;
}
/** @throws ZipFault for a number that no file has bytes for */
function readUInt64(bytes, position) {
    const value = bytes.readUInt32LE(position + 4) * 2 ** 32 + bytes.readUInt32LE(position);
    if (!Number.isSafeInteger(value))
        throw new ZipFault('one of its sizes is beyond all bounds');
    return value;
}
/** Bytes of the two parts that follow the fixed part of a local header. */
function localHeaderLength(fixed) {
    if (fixed.readUInt32LE(0) !== LOCAL_SIGNATURE)
        throw new ZipFault('there is no local header where the central directory says');
    return { nameLength: fixed.readUInt16LE(26), extraLength: fixed.readUInt16LE(28) };
}
/**
 * Compares a member's local header (its fixed part, its name, its extra fields) with the central one: readers go by
 * either, so they must be equal.
 *
 * @throws ZipFault
 */
function compareLocalHeader(fixed, name, extra, central) {
    if (!name.equals(central.rawName))
        throw differs('names');
    if (fixed.readUInt16LE(6) !== central.flags)
        throw differs('flags');
    if (fixed.readUInt16LE(8) !== central.method)
        throw differs('compression methods');
    const [compressed, uncompressed] = [fixed.readUInt32LE(18), fixed.readUInt32LE(22)];
    const zip64 = zip64Values(extra, [uncompressed, compressed]);
    const [size = 0, compressedSize = 0] = zip64.values;
    const known = (local, value) => local === value || (central.hasDescriptor && local === 0);
    if (!known(fixed.readUInt32LE(14), central.crc))
        throw differs('checksums');
    if (!known(size, central.size) || !known(compressedSize, central.compressedSize))
        throw differs('sizes');
    // A reader that goes through the file from its start would have to guess where the content ends.
    if (central.method === STORED && compressedSize !== central.compressedSize) {
        throw new ZipFault('it is stored, and its size stands only behind it');
    }
    const wideDescriptor = uncompressed === IN_ZIP64 || central.size >= IN_ZIP64 || central.compressedSize >= IN_ZIP64;
    const isSurplus = zip64.surplus !== undefined && !repeatsSizes(zip64.surplus, size, compressedSize);
    return { surplusZip64: isSurplus, wideDescriptor };
}
/**
 * Whether a zip64 field says again what the header says. CPython writes one into each local header with `force_zip64`,
 * which Bazel's py_wheel always asks for: no reader can be misled, and pip, uv and PyPI take such wheels.
 */
function repeatsSizes(field, size, compressedSize) {
    return field.length === 16 && readUInt64(field, 0) === size && readUInt64(field, 8) === compressedSize;
}
function differs(what) {
    return new ZipFault(`its ${what} in the local header and in the central directory differ`);
}
/** Bytes that a data descriptor can have: with its signature or without. */
function descriptorLengths(wide) {
    return wide ? [24, 20] : [16, 12];
}
/** Whether the bytes behind a member's content repeat its checksum and sizes, as a data descriptor must (APPNOTE 4.3.9). */
function isDescriptor(bytes, wide, { crc, compressedSize, size }) {
    const signed = bytes.length === (wide ? 24 : 16);
    if (signed && bytes.readUInt32LE(0) !== DESCRIPTOR_SIGNATURE)
        return false;
    const start = signed ? 4 : 0;
    const read = (index) => wide ? readUInt64(bytes, start + 4 + index * 8) : bytes.readUInt32LE(start + 4 + index * 4);
    return bytes.readUInt32LE(start) === crc && read(0) === compressedSize && read(1) === size;
}


/***/ }),

/***/ 8600:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   hd: () => (/* binding */ readMember),
/* harmony export */   i_: () => (/* binding */ memberContent),
/* harmony export */   ue: () => (/* binding */ readZip)
/* harmony export */ });
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8500);
/* harmony import */ var node_zlib__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8522);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(8804);
/* harmony import */ var _archive_fault_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(6716);
/* harmony import */ var _archive_path_js__WEBPACK_IMPORTED_MODULE_7__ = __nccwpck_require__(3569);
/* harmony import */ var _inflate_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(7344);
/* harmony import */ var _zip_end_js__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(6228);
/* harmony import */ var _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(6719);








/** Members between two turns of the event loop: some milliseconds. */
const MEMBERS_PER_TURN = 500;
/** PyPI refuses an archive that is announced to unpack to more than both. */
const LARGE_TOTAL = 64 * 1024 ** 2;
const LARGE_RATIO = 50;
const REGULAR_FILE = 0o100000;
const DIRECTORY = 0o040000;
/** Oddities that are told once for all members that have them. */
class Oddities {
    #names = new Map();
    add(sentence, name) {
        const names = this.#names.get(sentence);
        if (names === undefined)
            this.#names.set(sentence, [name]);
        else
            names.push(name);
    }
    sentences() {
        return [...this.#names].map(([sentence, [first = '', ...others]]) => {
            const more = others.length === 0 ? '' : ` (and ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .count */ .U9)(others.length, 'other member')})`;
            return `the member ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .printable */ .g$)(first, 120)}${more} ${sentence}`;
        });
    }
}
/**
 * Lists the members of a zip archive in which every byte has one meaning: the local members fill the file from its
 * first byte to the central directory, without gap or overlap, each header says what its counterpart says, and no name
 * comes twice. Whatever else an archive may be, two readers could read differently. Linear in time.
 *
 * With `verifyMetadata: false` a zip64 field that does not belong there is a warning: it hides nothing.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT; the signal's reason when it is aborted
 */
async function readZip(file, { verifyMetadata, signal }) {
    const range = (0,_zip_end_js__WEBPACK_IMPORTED_MODULE_5__/* .readZipEnd */ .n)(file);
    const headers = await readDirectory(file, range, signal);
    const oddities = new Oddities();
    const dataOffsets = new Map();
    const inOrder = headers.toSorted((a, b) => a.offset - b.offset);
    let end = 0;
    for (const [index, central] of inOrder.entries()) {
        if (index % MEMBERS_PER_TURN === MEMBERS_PER_TURN - 1)
            await turn(signal);
        if (central.offset !== end)
            throw doesNotTile(file, central, end);
        const next = inOrder[index + 1]?.offset ?? range.offset;
        const { local, dataOffset } = about(file, central, () => readLocal(file, central));
        if (central.surplusZip64 || local.surplusZip64) {
            if (verifyMetadata)
                throw surplusZip64(file, central);
            oddities.add('has a zip64 field that does not belong there: uv will not install this file', central.name);
        }
        const dataEnd = dataOffset + central.compressedSize;
        end = central.hasDescriptor
            ? about(file, central, () => endOfDescriptor(file, central, local, dataEnd, next))
            : dataEnd;
        dataOffsets.set(central, dataOffset);
        if (central.hasDescriptor)
            oddities.add('has its sizes behind its content (a data descriptor): PyPI refuses this', central.name);
    }
    if (end !== range.offset)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, gapSentence(end, range.offset, 'the central directory'));
    const members = headers.map((central) => memberOf(central, dataOffsets.get(central) ?? 0));
    for (const member of members) {
        if (member.isSpecial)
            oddities.add('is a symbolic link or a device: pip unpacks it as a plain file', member.name);
    }
    return { members, warnings: [...oddities.sentences(), ...ratioWarning(file, headers)] };
}
async function turn(signal) {
    await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_0__.setImmediate)();
    signal?.throwIfAborted();
}
async function readDirectory(file, range, signal) {
    const directory = file.readSync(range.offset, range.size);
    const headers = [];
    const paths = new Set();
    let position = 0;
    while (position < directory.length) {
        if (headers.length % MEMBERS_PER_TURN === MEMBERS_PER_TURN - 1)
            await turn(signal);
        const header = parse(file, directory, position, range.offset);
        const path = (0,_archive_path_js__WEBPACK_IMPORTED_MODULE_7__/* .segmentsOf */ .O)(header.name).join('/');
        if (paths.has(path))
            throw refused(file, header.name, header.offset, 'there is another member of this name');
        paths.add(path);
        headers.push(header);
        position += header.bytes.length;
    }
    if (headers.length !== range.members) {
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, `the end record announces ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .count */ .U9)(range.members, 'member')}, the central directory has ${headers.length}`);
    }
    return headers;
}
function parse(file, directory, position, start) {
    try {
        return (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .parseCentralHeader */ ._g)(directory, position);
    }
    catch (error) {
        if (!(error instanceof _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .ZipFault */ .Ed))
            throw error;
        const raw = directory.subarray(position);
        const name = raw.length < _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .CENTRAL_BYTES */ .oW ? '' : raw.toString('utf8', _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .CENTRAL_BYTES */ .oW, _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .CENTRAL_BYTES */ .oW + raw.readUInt16LE(28));
        throw refused(file, name, start + position, error.message);
    }
}
function readLocal(file, central) {
    const fixed = file.readSync(central.offset, _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .LOCAL_BYTES */ .cF);
    const { nameLength, extraLength } = (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .localHeaderLength */ .$R)(fixed);
    const rest = file.readSync(central.offset + _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .LOCAL_BYTES */ .cF, nameLength + extraLength);
    const local = (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .compareLocalHeader */ .WJ)(fixed, rest.subarray(0, nameLength), rest.subarray(nameLength), central);
    return { local, dataOffset: central.offset + _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .LOCAL_BYTES */ .cF + rest.length };
}
/** Where the descriptor behind a member's content ends: where the next member begins, or it is not one. */
function endOfDescriptor(file, central, local, start, next) {
    const wide = local.wideDescriptor;
    const length = (0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .descriptorLengths */ .Zw)(wide).find((bytes) => start + bytes === next);
    if (length === undefined || !(0,_zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .isDescriptor */ .ol)(file.readSync(start, length), wide, central)) {
        throw new _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .ZipFault */ .Ed('its data descriptor is missing or wrong');
    }
    return start + length;
}
/** Runs a check of one member; what it finds is told with the member's name and place. */
function about(file, central, check) {
    try {
        return check();
    }
    catch (error) {
        if (!(error instanceof _zip_headers_js__WEBPACK_IMPORTED_MODULE_6__/* .ZipFault */ .Ed))
            throw error;
        throw refused(file, central.name, central.offset, error.message);
    }
}
function refused(file, name, offset, phrase) {
    return (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, `the member ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .printable */ .g$)(name, 120)} at byte ${offset} is refused: ${phrase}`);
}
function doesNotTile(file, central, end) {
    return (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, gapSentence(end, central.offset, `the member ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .printable */ .g$)(central.name, 120)}`));
}
function gapSentence(end, start, what) {
    return start > end
        ? `there is a gap of ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .count */ .U9)(start - end, 'byte')} before ${what} at byte ${start}: data that some readers see and others do not`
        : `${what} at byte ${start} overlaps the member before it`;
}
function surplusZip64(file, central) {
    return (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, `the member ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .printable */ .g$)(central.name, 120)} at byte ${central.offset} has a zip64 field that does not belong there: uv will not install this file`, 'Usually `wheel tags` or `wheel pack` (wheel 0.47.0 and older) writes this for files over 4 GB: repack it with a newer `wheel` or with `auditwheel`. With `verify-metadata: false` it is sent as it is, with a warning.');
}
function memberOf(central, dataOffset) {
    const { name, unixType, method, crc, compressedSize, size, offset } = central;
    return {
        name,
        segments: (0,_archive_path_js__WEBPACK_IMPORTED_MODULE_7__/* .segmentsOf */ .O)(name),
        isDirectory: name.endsWith('/'),
        isSpecial: unixType !== 0 && unixType !== REGULAR_FILE && unixType !== DIRECTORY,
        isStored: method === 0,
        crc,
        compressedSize,
        size,
        offset,
        dataOffset,
        header: central.bytes,
    };
}
function ratioWarning(file, headers) {
    const total = headers.reduce((sum, { size }) => sum + size, 0);
    if (total <= LARGE_TOTAL || total <= LARGE_RATIO * file.size)
        return [];
    return [`it unpacks to ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .formatBytes */ .z3)(total)}, more than ${LARGE_RATIO} times its size: PyPI refuses this`];
}
/**
 * The content of one member. The caller compares `member.size` with a limit first: so many bytes are held, and never
 * more.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
async function readMember(file, member, signal) {
    const pieces = [];
    for await (const piece of memberContent(file, member, signal))
        pieces.push(piece);
    return Buffer.concat(pieces);
}
/**
 * The content of one member in pieces, checked by length and CRC32, with not a byte behind its compressed data. What is
 * handed out is proven only when the last piece was: never more than `member.size` and one step.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
async function* memberContent(file, member, signal) {
    const what = `the member ${(0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .printable */ .g$)(member.name, 120)}`;
    const range = { start: member.dataOffset, length: member.compressedSize, what };
    let total = 0;
    let checksum = 0;
    for await (const chunk of member.isStored ? (0,_inflate_js__WEBPACK_IMPORTED_MODULE_4__/* .steps */ .C)(file, range) : (0,_inflate_js__WEBPACK_IMPORTED_MODULE_4__/* .inflate */ .U)(file, range, signal)) {
        signal?.throwIfAborted();
        total += chunk.length;
        if (total > member.size)
            throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, `${what} inflates to more than the ${member.size} bytes that it announces`);
        checksum = (0,node_zlib__WEBPACK_IMPORTED_MODULE_1__.crc32)(chunk, checksum);
        yield chunk;
    }
    if (total !== member.size || checksum !== member.crc)
        throw (0,_archive_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .layoutFault */ .jt)(file, `the content of ${what} does not fit its announced size and checksum`);
}


/***/ }),

/***/ 8610:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Hl: () => (/* binding */ base64Lines),
/* harmony export */   _P: () => (/* binding */ withoutFilling),
/* harmony export */   y4: () => (/* binding */ decodeBase64)
/* harmony export */ });
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8804);

/** Everything that stores and terminals put between the characters: blanks, line ends, zero-width marks, escapes. */
const FILLING = (0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .unicodePattern */ .ge)('\\\\+[rnt]?|%0[AaDd]|[\\s\\p{Cf}\\0]', 'gu');
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/**
 * The bytes of a base64 text (RFC 4648) in either alphabet, with blanks and line ends anywhere, padded or not; undefined
 * where another character stands in it. A last group that was cut off gives the bytes that it still has.
 */
function decodeBase64(text) {
    const body = withoutFilling(text).replaceAll('-', '+').replaceAll('_', '/');
    return BASE64.test(body) ? Buffer.from(body, 'base64') : undefined;
}
/** The characters that count. */
function withoutFilling(text) {
    return text.replace(FILLING(), '');
}
/** The same bytes as PEM writes them: lines of 64 characters (RFC 7468). */
function base64Lines(base64) {
    return base64.match(/.{1,64}/g) ?? [];
}


/***/ }),

/***/ 8210:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  ak: () => (/* binding */ UNKNOWN_KIND),
  nN: () => (/* binding */ isOpenSsh),
  Gh: () => (/* binding */ nameOfMaterial),
  v_: () => (/* binding */ readBlocks)
});

// EXTERNAL MODULE: ./lib/encoding/der.js
var encoding_der = __nccwpck_require__(7578);
// EXTERNAL MODULE: ./lib/encoding/kind.js
var encoding_kind = __nccwpck_require__(6991);
// EXTERNAL MODULE: ./lib/encoding/pem.js
var pem = __nccwpck_require__(2151);
;// CONCATENATED MODULE: ./lib/encoding/pkcs7.js

/** 1.2.840.113549.1.7.2, as it stands in the bytes. */
const SIGNED_DATA = '2a864886f70d010702';
/**
 * DER of each certificate of a PKCS#7 bundle (RFC 2315, 9.1; RFC 5652, 5.1): content type, then [0] with SignedData,
 * whose own first [0] holds the certificates. Undefined where the bytes are something else or damaged.
 */
function certificatesOfPkcs7(bytes) {
    const outer = (0,encoding_der/* elementAt */.s2)(bytes, 0);
    const [type, wrapper] = (outer && (0,encoding_der/* childrenOf */.LU)(bytes, outer)) ?? [];
    if (type === undefined || (0,encoding_der/* contentOf */.$E)(bytes, type).toString('hex') !== SIGNED_DATA)
        return undefined;
    const [signedData] = (wrapper && (0,encoding_der/* childrenOf */.LU)(bytes, wrapper)) ?? [];
    const fields = signedData && (0,encoding_der/* childrenOf */.LU)(bytes, signedData);
    if (fields === undefined)
        return undefined;
    const set = fields.find(({ tag }) => tag === encoding_der/* TAG */.Dk.context0);
    const members = set === undefined ? [] : (0,encoding_der/* childrenOf */.LU)(bytes, set);
    return members?.filter(({ tag }) => tag === encoding_der/* TAG */.Dk.sequence).map(({ start, end }) => bytes.subarray(start, end));
}

;// CONCATENATED MODULE: ./lib/encoding/blocks.js




/** `client-cert`, with the file's name where it came from one. */
function nameOfMaterial({ input, shownPath }) {
    return shownPath === undefined ? input : `${input} (${shownPath})`;
}
/** Everything that the material holds: as many blocks, whole or broken, as BEGIN lines were seen. Never throws. */
function readBlocks(material) {
    const name = nameOfMaterial(material);
    const found = material.text === undefined
        ? [readDer(name, undefined, material.bytes)]
        : (0,pem/* readPem */.Je)(material.text).map((block) => readBlock(block, name));
    return {
        blocks: found.filter((one) => 'kind' in one),
        broken: found.filter((one) => 'fault' in one),
    };
}
function readBlock(block, name) {
    const { number, label } = block;
    const where = `block ${number}${label === undefined ? '' : ` (${label})`} of ${name}`;
    if (block.fault !== undefined)
        return { where, label, fault: block.fault.what, cutOff: block.fault.cutOff };
    const { bytes, encryption } = block;
    if (encryption !== undefined)
        return { where, label, encryption, kind: 'encrypted-pem', bytes, certificates: [] };
    if (label?.startsWith('PGP'))
        return opaque(where, label, 'pgp', bytes);
    if (isOpenSsh(bytes))
        return opaque(where, label, 'openssh', bytes);
    return readDer(where, label, bytes);
}
function opaque(where, label, kind, bytes) {
    return { where, label, encryption: undefined, kind, bytes, certificates: [] };
}
/** OpenSSH's own format (PROTOCOL.key of its sources) begins with its name. */
function isOpenSsh(bytes) {
    return bytes.subarray(0, 14).toString('latin1') === 'openssh-key-v1';
}
/** The fault of a block that is whole, and nothing that is read here. */
const UNKNOWN_KIND = 'what it holds is of an unknown kind';
function readDer(where, label, bytes) {
    const broken = (fault, cutOff = false) => ({ where, label, fault, cutOff });
    const missing = (0,encoding_der/* shortage */.wD)(bytes);
    if (missing !== undefined)
        return broken(missing, true);
    const element = (0,encoding_der/* elementAt */.s2)(bytes, 0);
    if (element === undefined)
        return broken((0,encoding_kind/* beginsAsDer */.Kf)(bytes) ? 'it is damaged' : UNKNOWN_KIND);
    const der = bytes.subarray(0, element.end);
    const kind = kindOfBlock(label, der);
    if (kind === 'unknown')
        return broken(UNKNOWN_KIND);
    if (!isRestExpected(bytes, element.end, kind))
        return broken('bytes follow its end');
    if (kind !== 'pkcs7')
        return { ...opaque(where, label, kind, der), certificates: kind === 'certificate' ? [der] : [] };
    const certificates = certificatesOfPkcs7(der);
    if (certificates === undefined)
        return broken('it is PKCS#7, but no readable bundle of certificates');
    if (certificates.length === 0)
        return broken('it is a PKCS#7 bundle without certificates');
    return { ...opaque(where, label, kind, der), certificates };
}
/** Bytes decide, but parameters of keys are recognised by their label alone: they look like many other things. */
function kindOfBlock(label, der) {
    const kind = (0,encoding_kind/* kindOfDer */.x6)(der);
    return label?.endsWith('PARAMETERS') && !(0,encoding_kind/* isKeyKind */.uX)(kind) ? 'parameters' : kind;
}
/** OpenSSL's TRUSTED CERTIFICATE is a certificate and its settings; files end in a line end or zeros now and then. */
function isRestExpected(bytes, end, kind) {
    if (bytes.subarray(end).every((byte) => byte === 0 || byte === 0x0a || byte === 0x0d))
        return true;
    const settings = (0,encoding_der/* elementAt */.s2)(bytes, end);
    return kind === 'certificate' && settings?.tag === encoding_der/* TAG */.Dk.sequence && settings.end === bytes.length;
}


/***/ }),

/***/ 7578:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $E: () => (/* binding */ contentOf),
/* harmony export */   Dk: () => (/* binding */ TAG),
/* harmony export */   Ke: () => (/* binding */ tagsInside),
/* harmony export */   LU: () => (/* binding */ childrenOf),
/* harmony export */   YO: () => (/* binding */ smallInteger),
/* harmony export */   ZV: () => (/* binding */ formatNumber),
/* harmony export */   f8: () => (/* binding */ contentStartAt),
/* harmony export */   s2: () => (/* binding */ elementAt),
/* harmony export */   wD: () => (/* binding */ shortage)
/* harmony export */ });
const TAG = {
    integer: 0x02,
    octetString: 0x04,
    sequence: 0x30,
    context0: 0xa0,
};
/** PKCS#7 of indefinite lengths nests about eight deep; a hostile file nests until the stack ends. */
const DEEPEST = 32;
/** A length of five bytes announces more than 4 GiB. */
const LONGEST_LENGTH = 4;
function headerAt(bytes, at) {
    const tag = bytes[at];
    const first = bytes[at + 1];
    // Tag numbers from 31 take more bytes; nothing that is read here has one.
    if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f)
        return undefined;
    if (first < 0x80)
        return { tag, contentStart: at + 2, length: first };
    if (first === 0x80)
        return { tag, contentStart: at + 2, length: undefined };
    const size = first & 0x7f;
    if (size > LONGEST_LENGTH || at + 2 + size > bytes.length)
        return undefined;
    return { tag, contentStart: at + 2 + size, length: bytes.readUIntBE(at + 2, size) };
}
/** The element at `at`; undefined where none stands there or it does not end before `limit`. */
function elementAt(bytes, at, limit = bytes.length, depth = 0) {
    const header = headerAt(bytes, at);
    if (header === undefined || header.contentStart > limit)
        return undefined;
    const { tag, contentStart, length } = header;
    if (length !== undefined) {
        const end = contentStart + length;
        return end > limit ? undefined : { tag, start: at, contentStart, contentEnd: end, end };
    }
    const contentEnd = endOfIndefinite(bytes, contentStart, limit, depth);
    return contentEnd === undefined ? undefined : { tag, start: at, contentStart, contentEnd, end: contentEnd + 2 };
}
function endOfIndefinite(bytes, from, limit, depth) {
    if (depth >= DEEPEST)
        return undefined;
    let at = from;
    while (at + 2 <= limit) {
        if (bytes[at] === 0 && bytes[at + 1] === 0)
            return at;
        const inner = elementAt(bytes, at, limit, depth + 1);
        if (inner === undefined)
            return undefined;
        at = inner.end;
    }
    return undefined;
}
/** What is inside a constructed element; undefined where it is not made of whole elements. */
function childrenOf(bytes, parent) {
    const children = [];
    for (let at = parent.contentStart; at < parent.contentEnd;) {
        const child = elementAt(bytes, at, parent.contentEnd);
        if (child === undefined)
            return undefined;
        children.push(child);
        at = child.end;
    }
    return children;
}
/** Tags of what is inside the element at `at`, as far as the bytes reach: those of a cut-off file too. */
function tagsInside(bytes, at) {
    const parent = headerAt(bytes, at);
    if (parent === undefined)
        return [];
    const end = Math.min(bytes.length, parent.contentStart + (parent.length ?? bytes.length));
    const tags = [];
    for (let next = parent.contentStart; next < end;) {
        const header = headerAt(bytes, next);
        if (header === undefined || (header.tag === 0 && header.length === 0))
            break;
        tags.push(header.tag);
        if (header.length === undefined)
            break;
        next = header.contentStart + header.length;
    }
    return tags;
}
/** Where the content of the element at `at` begins; undefined where there is none. */
function contentStartAt(bytes, at) {
    return headerAt(bytes, at)?.contentStart;
}
/**
 * Of a structure that is cut off `its first bytes announce 3,347 bytes, 768 are there`, or of one of indefinite length
 * `its end is missing, 768 bytes are there`; undefined where none are missing.
 */
function shortage(bytes) {
    const header = headerAt(bytes, 0);
    if (header?.tag !== TAG.sequence)
        return undefined;
    if (header.length === undefined) {
        if (!isUnfinished(bytes, header.contentStart))
            return undefined;
        return `its end is missing, ${formatNumber(bytes.length)} bytes are there`;
    }
    const announced = header.contentStart + header.length;
    if (announced <= bytes.length)
        return undefined;
    return `its first bytes announce ${formatNumber(announced)} bytes, ${formatNumber(bytes.length)} are there`;
}
/** Whether a structure of indefinite length, whose content begins at `start`, goes on where the bytes end. */
function isUnfinished(bytes, start) {
    let open = 1;
    let at = start;
    while (open > 0 && at < bytes.length) {
        const header = headerAt(bytes, at);
        // Either nonsense, or a header whose last bytes are missing.
        if (header === undefined)
            return bytes.length - at < 2 + LONGEST_LENGTH;
        if (header.tag === 0 && header.length === 0)
            open -= 1;
        if (header.length === undefined)
            open += 1;
        at = header.contentStart + (header.length ?? 0);
    }
    return open > 0;
}
/** `3,347`. */
function formatNumber(value) {
    // Not toLocaleString, which loads the data of all languages first.
    return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
/** The content as it stands there. */
function contentOf(bytes, element) {
    return bytes.subarray(element.contentStart, element.contentEnd);
}
/** A non-negative INTEGER of at most six bytes; undefined for any other. */
function smallInteger(bytes, element) {
    if (element === undefined || element.tag !== TAG.integer)
        return undefined;
    const content = contentOf(bytes, element);
    if (content.length === 0 || content.length > 6 || content.readInt8(0) < 0)
        return undefined;
    return content.readUIntBE(0, content.length);
}


/***/ }),

/***/ 6991:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Kf: () => (/* binding */ beginsAsDer),
/* harmony export */   lI: () => (/* binding */ nameOfKind),
/* harmony export */   uX: () => (/* binding */ isKeyKind),
/* harmony export */   x6: () => (/* binding */ kindOfDer)
/* harmony export */ });
/* harmony import */ var _der_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7578);

const NAMES = {
    certificate: 'a certificate',
    pkcs7: 'a PKCS#7 bundle',
    pkcs12: 'a PKCS#12 file',
    pkcs8: 'a private key',
    pkcs1: 'a private key',
    sec1: 'a private key',
    dsa: 'a DSA private key',
    'encrypted-pkcs8': 'an encrypted private key',
    'encrypted-pem': 'an encrypted private key',
    openssh: 'an OpenSSH private key',
    pgp: 'a PGP block',
    'public-key': 'a public key',
    request: 'a certificate request',
    crl: 'a certificate revocation list',
    parameters: 'key parameters',
    unknown: 'data of an unknown kind',
};
/** `a certificate request`: with its article. */
function nameOfKind(kind) {
    return NAMES[kind];
}
function isKeyKind(kind) {
    return /^(pkcs8|pkcs1|sec1|dsa|encrypted-pkcs8|encrypted-pem)$/.test(kind);
}
/** Whether these bytes begin as DER or BER of a structure does, and are not text that begins with a `0`. */
function beginsAsDer(bytes) {
    return bytes[0] === _der_js__WEBPACK_IMPORTED_MODULE_0__/* .TAG */ .Dk.sequence && (0,_der_js__WEBPACK_IMPORTED_MODULE_0__/* .contentStartAt */ .f8)(bytes, 0) !== undefined && !isText(bytes);
}
function isText(bytes) {
    return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d));
}
/** By the shape of the outermost structures (RFC 5280, 5958, 8017, 5915, 2315, 7292, 2986); of cut-off bytes as far as they reach. */
function kindOfDer(bytes) {
    if (bytes[0] !== _der_js__WEBPACK_IMPORTED_MODULE_0__/* .TAG */ .Dk.sequence)
        return 'unknown';
    const tags = (0,_der_js__WEBPACK_IMPORTED_MODULE_0__/* .tagsInside */ .Ke)(bytes, 0);
    const inner = (0,_der_js__WEBPACK_IMPORTED_MODULE_0__/* .contentStartAt */ .f8)(bytes, 0) ?? bytes.length;
    const shape = Buffer.from(tags).toString('hex');
    if (shape.startsWith('06a0'))
        return 'pkcs7';
    if (shape.startsWith('3003'))
        return 'public-key';
    if (shape === '3004')
        return 'encrypted-pkcs8';
    if (shape.startsWith('023004'))
        return 'pkcs8';
    if (shape.startsWith('0230'))
        return 'pkcs12';
    if (shape.startsWith('0204'))
        return 'sec1';
    if (shape === '02'.repeat(9))
        return 'pkcs1';
    if (shape === '02'.repeat(6))
        return 'dsa';
    if (shape === '0202')
        return 'public-key';
    return shape === '30' || shape.startsWith('3030') ? signedKind(bytes, inner) : 'unknown';
}
/** Certificates, requests and revocation lists are all "to be signed, algorithm, signature". */
function signedKind(bytes, at) {
    const shape = Buffer.from((0,_der_js__WEBPACK_IMPORTED_MODULE_0__/* .tagsInside */ .Ke)(bytes, at)).toString('hex');
    if (/^(02)?3030(17|18)/.test(shape))
        return 'crl';
    if (/^023030(a0|$)/.test(shape))
        return 'request';
    if (/^(a0)?02303030/.test(shape) || (shape.startsWith('a0') && (0,_der_js__WEBPACK_IMPORTED_MODULE_0__/* .elementAt */ .s2)(bytes, 0) === undefined))
        return 'certificate';
    return 'unknown';
}


/***/ }),

/***/ 2151:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Em: () => (/* binding */ repairPem),
/* harmony export */   Je: () => (/* binding */ readPem),
/* harmony export */   X3: () => (/* binding */ isPem),
/* harmony export */   ZI: () => (/* binding */ pemBodies),
/* harmony export */   wC: () => (/* binding */ writeEncryptedPem)
/* harmony export */ });
/* harmony import */ var _base64_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8610);

const LABELS = [
    'CERTIFICATE',
    'X509 CERTIFICATE',
    'TRUSTED CERTIFICATE',
    'PKCS7',
    'PKCS #7 SIGNED DATA',
    'CMS',
    'PKCS12',
    'PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'RSA PRIVATE KEY',
    'EC PRIVATE KEY',
    'DSA PRIVATE KEY',
    'ANY PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'PUBLIC KEY',
    'RSA PUBLIC KEY',
    'DSA PUBLIC KEY',
    'CERTIFICATE REQUEST',
    'NEW CERTIFICATE REQUEST',
    'X509 CRL',
    'EC PARAMETERS',
    'DH PARAMETERS',
    'X9.42 DH PARAMETERS',
    'DSA PARAMETERS',
    'TSS2 PRIVATE KEY',
    'ENCRYPTED COSIGN PRIVATE KEY',
    'ENCRYPTED SIGSTORE PRIVATE KEY',
    'AGE ENCRYPTED FILE',
    'PGP PRIVATE KEY BLOCK',
    'PGP PUBLIC KEY BLOCK',
    'PGP MESSAGE',
];
/** By its characters without blanks: what takes line ends out of a secret often takes the blanks too. */
const CANONICAL = new Map(LABELS.map((label) => [label.replaceAll(' ', ''), label]));
const LONGEST_LABEL = 60;
/** Hex digits of the initialisation vector: its length is known, so that even one long line can be read. */
const IV_DIGITS = new Map([
    ['DES-CBC', 16],
    ['DES-EDE3-CBC', 16],
    ['AES-128-CBC', 32],
    ['AES-192-CBC', 32],
    ['AES-256-CBC', 32],
]);
/** Whether a text holds PEM, even a part of it. */
function isPem(text) {
    return /-----(BEGIN|END)/.test(text);
}
/**
 * PEM as secret stores, terminals and JSON hand it on, with plain line ends again. Only for text that holds PEM: in a
 * Windows path a backslash is a backslash.
 */
function repairPem(text) {
    return text
        .replace(/[\0\ufeff]/g, '')
        .replace(/\\+[rnt]?|%0[AaDd]/g, '\n')
        .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n');
}
/** Every block of a repaired text, in order: one for each BEGIN line, readable or not. */
function readPem(text) {
    return segmentsOf(text).map((segment, index) => readSegment(segment, index + 1));
}
/** From one BEGIN line to the next; what stands before the first one is one too where it holds an END line. */
function segmentsOf(text) {
    const [before = '', ...segments] = text.split(/(?=-----BEGIN)/);
    if (before.startsWith('-----BEGIN'))
        return [before, ...segments];
    return before.includes('-----END') ? [before, ...segments] : segments;
}
function readSegment(segment, number) {
    if (!segment.startsWith('-----BEGIN'))
        return { number, label: undefined, ...cutOff('its BEGIN line is missing') };
    const begin = BEGIN_LINE.exec(segment);
    if (begin === null)
        return { number, label: undefined, ...damaged('its BEGIN line is damaged') };
    const label = CANONICAL.get(compact(begin[1]));
    const rest = segment.slice(begin[0].length);
    const end = rest.indexOf('-----END');
    if (end < 0)
        return { number, label, ...cutOff('its END line is missing') };
    if (rest.includes('-----END', end + 1))
        return { number, label, ...cutOff('an END line follows whose BEGIN line is missing') };
    const endLine = END_LINE.exec(rest.slice(end));
    if (endLine === null)
        return { number, label, ...cutOff('its END line is not whole') };
    if (compact(begin[1]) !== compact(endLine[1])) {
        return { number, label, ...damaged('its BEGIN and END lines name different things') };
    }
    return { number, label, ...readBody(rest.slice(0, end), label) };
}
function cutOff(what) {
    return { fault: { cutOff: true, what } };
}
function damaged(what) {
    return { fault: { cutOff: false, what } };
}
const BEGIN_LINE = new RegExp(`^-----BEGIN([^-]{0,${LONGEST_LABEL}})-----`);
const END_LINE = new RegExp(`^-----END([^-]{0,${LONGEST_LABEL}})-----`);
function compact(label = '') {
    return (0,_base64_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutFilling */ ._P)(label).toUpperCase();
}
function readBody(body, label) {
    // Its last line is a checksum of its own; nothing here reads it.
    if (label?.startsWith('PGP'))
        return { bytes: Buffer.from(body), encryption: undefined };
    const { encryption, base64 } = splitHeaders(body);
    const bytes = (0,_base64_js__WEBPACK_IMPORTED_MODULE_0__/* .decodeBase64 */ .y4)(base64);
    if (bytes === undefined)
        return damaged('a character in it is no base64');
    return bytes.length === 0 ? damaged('it is empty') : { bytes, encryption };
}
/** RFC 1421 headers before the base64, which may have lost their line ends and blanks. */
function splitHeaders(text) {
    // Where BEGIN and END lines have more than five hyphens, the surplus stands here.
    const body = withoutHyphens(text);
    const header = /^\s*Proc-Type:\s*4,\s*ENCRYPTED\s*DEK-Info:\s*([A-Z0-9-]{1,20}),\s*/.exec(body);
    if (header === null)
        return { encryption: undefined, base64: withoutHeaderLines(body) };
    const cipher = header[1] ?? '';
    const rest = body.slice(header[0].length);
    const digits = IV_DIGITS.get(cipher) ?? 0;
    const iv = rest.slice(0, digits);
    if (digits > 0 && /^[0-9A-Fa-f]*$/.test(iv))
        return { encryption: { cipher, iv }, base64: rest.slice(digits) };
    return { encryption: { cipher: undefined, iv: '' }, base64: rest.replace(/^[0-9A-Fa-f]+\s/, '') };
}
/** Character by character: a regular expression tries every hyphen of a long row as the first one. */
function withoutHyphens(text) {
    let start = 0;
    let end = text.length;
    while (text[start] === '-')
        start += 1;
    while (end > start && text[end - 1] === '-')
        end -= 1;
    return text.slice(start, end);
}
function withoutHeaderLines(body) {
    const lines = body.split('\n');
    const first = lines.findIndex((line) => line.trim() !== '' && !/^\s*[A-Za-z][A-Za-z0-9-]*: /.test(line));
    return lines.slice(Math.max(first, 0)).join('\n');
}
/** The base64 of each block as it stands there, whole or damaged, without BEGIN, END and header lines. */
function pemBodies(text) {
    return segmentsOf(text).map((segment) => {
        const end = segment.indexOf('-----END');
        const body = (end < 0 ? segment : segment.slice(0, end)).replace(BEGIN_LINE, '').replace('-----BEGIN', '');
        return splitHeaders(body).base64 || body;
    });
}
/** An encrypted key as OpenSSL writes it. */
function writeEncryptedPem(label, bytes, { cipher, iv }) {
    const lines = ['Proc-Type: 4,ENCRYPTED', `DEK-Info: ${cipher},${iv}`, '', ...(0,_base64_js__WEBPACK_IMPORTED_MODULE_0__/* .base64Lines */ .Hl)(bytes.toString('base64'))];
    return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}


/***/ }),

/***/ 452:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   D9: () => (/* binding */ errorCodeOf),
/* harmony export */   GW: () => (/* binding */ problemsOf),
/* harmony export */   Ku: () => (/* binding */ ProblemList),
/* harmony export */   S1: () => (/* binding */ PublishError),
/* harmony export */   bg: () => (/* binding */ mayPass),
/* harmony export */   p5: () => (/* binding */ PublishErrors)
/* harmony export */ });
/* unused harmony export ERROR_CODES */
/**
 * Every fault that a user can meet, by its stable code: `E_` + area + fault. A code is never renamed after 1.0;
 * `docs/troubleshooting.md` has one section for each (a contract test compares the two).
 */
const ERROR_CODES = (/* unused pure expression or super */ null && ([
    'E_INPUT_MISSING',
    'E_INPUT_EMPTY',
    'E_INPUT_INVALID',
    'E_INPUT_UNKNOWN',
    'E_INPUT_CONFLICT',
    'E_INPUT_FILE',
    'E_INPUT_FORMAT',
    'E_INPUT_TRUNCATED',
    'E_RUN_UNTRUSTED_EVENT',
    'E_RUN_CANCELLED',
    'E_RUN_INTERNAL',
    'E_MATERIAL_WRITE',
    'E_CERT_MISSING',
    'E_CERT_UNREADABLE',
    'E_CERT_EXPIRED',
    'E_CERT_NOT_YET_VALID',
    'E_CERT_EXPIRES_SOON',
    'E_CERT_PURPOSE',
    'E_CERT_UNKNOWN_ISSUER',
    'E_CERT_INCOMPLETE_CHAIN',
    'E_CERT_UNTIDY_CHAIN',
    'E_CERT_NOT_A_CA',
    'E_CERT_PATH_LENGTH',
    'E_CERT_SIGNATURE',
    'E_CERT_WEAK',
    'E_CERT_REFUSED',
    'E_CERT_PROFILE',
    'E_CERT_REVOKED',
    'E_CRL_UNREADABLE',
    'E_CRL_FORGED',
    'E_CRL_OUTDATED',
    'E_CRL_MISSING',
    'E_KEY_MISSING',
    'E_KEY_UNREADABLE',
    'E_KEY_UNSUPPORTED',
    'E_KEY_AMBIGUOUS',
    'E_KEY_MISMATCH',
    'E_KEY_PASSPHRASE_MISSING',
    'E_KEY_PASSPHRASE_WRONG',
    'E_CA_UNREADABLE',
    'E_DIST_NONE',
    'E_DIST_PATTERN',
    'E_DIST_FILE',
    'E_DIST_LINK',
    'E_DIST_STRAY',
    'E_DIST_UNSUPPORTED',
    'E_DIST_NAME',
    'E_DIST_DUPLICATE',
    'E_DIST_LAYOUT',
    'E_DIST_LIMIT',
    'E_DIST_METADATA',
    'E_DIST_MISMATCH',
    'E_DIST_CHANGED',
    'E_EXPECTED_PROJECTS',
    'E_EXPECTED_VERSION',
    'E_EXPECTED_FILES',
    'E_EXPECTED_SHA256',
    'E_NETWORK_DNS',
    'E_NETWORK_REFUSED',
    'E_NETWORK_TIMEOUT',
    'E_NETWORK_CLOSED',
    'E_PROXY_UNREACHABLE',
    'E_PROXY_REFUSED',
    'E_PROXY_GATEWAY',
    'E_TLS_NOT_TLS',
    'E_TLS_VERSION',
    'E_TLS_HANDSHAKE',
    'E_TLS_SERVER_EXPIRED',
    'E_TLS_SERVER_NOT_YET_VALID',
    'E_TLS_SERVER_NAME',
    'E_TLS_SERVER_UNKNOWN_CA',
    'E_TLS_SERVER_INCOMPLETE_CHAIN',
    'E_TLS_SERVER_REFUSED',
    'E_TLS_INSPECTED',
    'E_TLS_CLIENT_NOT_ASKED',
    'E_TLS_CLIENT_REQUIRED',
    'E_TLS_CLIENT_UNKNOWN_CA',
    'E_TLS_CLIENT_EXPIRED',
    'E_TLS_CLIENT_REVOKED',
    'E_TLS_CLIENT_PURPOSE',
    'E_TLS_CLIENT_REFUSED',
    'E_HTTP_CLIENT_CERT_REQUIRED',
    'E_HTTP_CLIENT_CERT_REFUSED',
    'E_HTTP_UNAUTHORIZED',
    'E_HTTP_FORBIDDEN',
    'E_HTTP_NOT_FOUND',
    'E_HTTP_EXISTS',
    'E_HTTP_TOO_LARGE',
    'E_HTTP_TOO_MANY_REQUESTS',
    'E_HTTP_REDIRECT',
    'E_HTTP_LOGIN_PAGE',
    'E_HTTP_BLOCKED',
    'E_HTTP_MISDIRECTED',
    'E_HTTP_REJECTED',
    'E_HTTP_SERVER_ERROR',
    'E_HTTP_NOT_HTTP',
    'E_HTTP_NO_ANSWER',
    'E_INDEX_UNPROVEN',
    'E_INDEX_LOOKUP',
    'E_INDEX_CONFLICT',
    'E_INDEX_UNCONFIRMED',
]));
/** One fault, explained to the person who has to mend it. Never holds a secret; foreign text in it went through `text.ts`. */
class PublishError extends Error {
    code;
    hint;
    constructor({ code, message, hint, cause }) {
        super(message, { cause });
        this.name = 'PublishError';
        this.code = code;
        this.hint = hint;
    }
}
const PASSING = [
    'E_NETWORK_DNS',
    'E_NETWORK_REFUSED',
    'E_NETWORK_TIMEOUT',
    'E_NETWORK_CLOSED',
    'E_PROXY_UNREACHABLE',
    'E_PROXY_GATEWAY',
];
/** Whether a connection that failed so may stand at the next try. */
function mayPass({ code }) {
    return PASSING.includes(code);
}
/** Several faults that were found in one stage and are reported together. Never empty. */
class PublishErrors extends Error {
    problems;
    constructor(problems) {
        super(`${problems.length} problems were found`);
        this.name = 'PublishErrors';
        this.problems = problems;
    }
}
/** Collects the problems of one stage, so that all of them are reported and not the first alone. */
class ProblemList {
    #problems = [];
    get length() {
        return this.#problems.length;
    }
    get all() {
        return this.#problems;
    }
    add(problem) {
        this.#problems.push(problem instanceof PublishError ? problem : new PublishError(problem));
    }
    /** Runs one check; what it throws is kept with the others. Errors of our own code are not hidden: they pass. */
    async collect(check) {
        try {
            return await check();
        }
        catch (error) {
            this.#keep(error);
            return undefined;
        }
    }
    #keep(error) {
        if (error instanceof PublishErrors)
            this.#problems.push(...error.problems);
        else if (error instanceof PublishError)
            this.#problems.push(error);
        else
            throw error;
    }
    /** Throws what was collected; returns when there is nothing. */
    throwIfAny() {
        const [first, ...rest] = this.#problems;
        if (first === undefined)
            return;
        throw rest.length === 0 ? first : new PublishErrors(this.#problems);
    }
}
/** What a catch clause got, as problems to report. Anything that is not ours is a defect of this action: E_RUN_INTERNAL. */
function problemsOf(error) {
    if (error instanceof PublishErrors)
        return error.problems;
    if (error instanceof PublishError)
        return [error];
    const name = error instanceof Error ? error.name : typeof error;
    return [
        new PublishError({
            code: 'E_RUN_INTERNAL',
            message: `the action met a fault of its own (${name})`,
            hint: 'Run again with debug logging switched on and report the stack that the log then has.',
            cause: error,
        }),
    ];
}
/** `code` of a Node.js system or TLS error, or undefined. */
function errorCodeOf(error) {
    if (typeof error !== 'object' || error === null || !('code' in error))
        return undefined;
    return typeof error.code === 'string' ? error.code : undefined;
}


/***/ }),

/***/ 8488:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  fx: () => (/* binding */ isKeyBlock),
  ay: () => (/* binding */ openKey),
  ye: () => (/* binding */ signsFor),
  oI: () => (/* binding */ withoutLineEnd)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __nccwpck_require__(7598);
// EXTERNAL MODULE: ./lib/encoding/der.js
var encoding_der = __nccwpck_require__(7578);
// EXTERNAL MODULE: ./lib/encoding/kind.js
var encoding_kind = __nccwpck_require__(6991);
// EXTERNAL MODULE: ./lib/encoding/pem.js
var encoding_pem = __nccwpck_require__(2151);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __nccwpck_require__(452);
;// CONCATENATED MODULE: ./lib/identity/old-cipher.js

/** PBES1 schemes of PKCS#5 (RFC 8018, A.3) with DES: what `openssl pkcs8 -topk8` wrote until version 1.1. By the OID's DER in hex. */
const PBES1_DES = new Map([
    ['2a864886f70d010503', 'md5'],
    ['2a864886f70d01050a', 'sha1'],
]);
/** The digest of a PBES1 scheme that this file can open; undefined for all others. */
function pbes1Digest(scheme) {
    return PBES1_DES.get(scheme);
}
/** PBKDF1 (RFC 8018, 5.1): eight bytes of key, eight of initialisation vector. Throws when the padding is wrong. */
function openPbes1(encrypted, passphrase, parameters) {
    const { digest, salt, iterations } = parameters;
    let derived = (0,external_node_crypto_.createHash)(digest).update(passphrase, 'utf8').update(salt).digest();
    for (let round = 1; round < iterations; round += 1)
        derived = (0,external_node_crypto_.hash)(digest, derived, 'buffer');
    return decryptDes(encrypted, derived.subarray(0, 8), derived.subarray(8, 16));
}
/** A PEM key with `DEK-Info: DES-CBC`: one round of MD5 over passphrase and vector (OpenSSL's EVP_BytesToKey). */
function openDesPem(encrypted, passphrase, iv) {
    const derived = (0,external_node_crypto_.createHash)('md5').update(passphrase, 'utf8').update(iv).digest();
    return decryptDes(encrypted, derived.subarray(0, 8), iv);
}
/** OpenSSL 3 has no DES without its legacy module. Triple DES with one key three times is the same. */
function decryptDes(encrypted, key, iv) {
    const decipher = (0,external_node_crypto_.createDecipheriv)('des-ede3-cbc', Buffer.concat([key, key, key]), iv);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

;// CONCATENATED MODULE: ./lib/identity/key-encryption.js


/** Object identifiers as DER holds them, in hex. */
const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
const SCRYPT = '2b06010401da47040b';
/** Large files in the field have one million. */
const MOST_PBKDF2_ITERATIONS = 5_000_000;
const MOST_PBES1_ITERATIONS = 1_000_000;
/** N times r times p: 32 times what OpenSSL writes. */
const MOST_SCRYPT_WORK = 2 ** 22;
/** What one iteration of PBKDF2 costs in these rounds, and one unit of scrypt's work. */
const COST = 0.4;
/** Undefined where the structure is no such thing. */
function readKeyEncryption(der) {
    const outer = (0,encoding_der/* elementAt */.s2)(der, 0);
    const [algorithm, encrypted] = (outer && (0,encoding_der/* childrenOf */.LU)(der, outer)) ?? [];
    const [oid, parameters] = (algorithm && (0,encoding_der/* childrenOf */.LU)(der, algorithm)) ?? [];
    const fields = parameters && (0,encoding_der/* childrenOf */.LU)(der, parameters);
    if (encrypted === undefined || oid === undefined || fields === undefined)
        return undefined;
    const scheme = hex(der, oid);
    const body = (0,encoding_der/* contentOf */.$E)(der, encrypted);
    if (scheme === PBES2)
        return { pbes1: undefined, encrypted: body, rounds: roundsOf(der, fields[0]) };
    return readPbes1(der, scheme, fields, body);
}
/** PBES1 and the schemes of PKCS#12 have the same parameters: salt and iterations. */
function readPbes1(der, scheme, [salt, count], encrypted) {
    const iterations = (0,encoding_der/* smallInteger */.YO)(der, count);
    if (salt?.tag !== encoding_der/* TAG */.Dk.octetString || iterations === undefined)
        return undefined;
    const digest = pbes1Digest(scheme);
    const pbes1 = digest === undefined ? undefined : { digest, salt: (0,encoding_der/* contentOf */.$E)(der, salt), iterations };
    return { pbes1, encrypted, rounds: within(iterations, MOST_PBES1_ITERATIONS) };
}
function within(work, most) {
    return work <= most ? work : Number.POSITIVE_INFINITY;
}
function roundsOf(der, derivation) {
    const [oid, parameters] = (derivation && (0,encoding_der/* childrenOf */.LU)(der, derivation)) ?? [];
    const fields = parameters && (0,encoding_der/* childrenOf */.LU)(der, parameters);
    if (oid === undefined || fields === undefined)
        return Number.POSITIVE_INFINITY;
    const name = hex(der, oid);
    const [first = Number.NaN, ...rest] = fields.slice(1).map((field) => (0,encoding_der/* smallInteger */.YO)(der, field) ?? Number.NaN);
    if (name === PBKDF2)
        return COST * within(first, MOST_PBKDF2_ITERATIONS);
    // Of any other OpenSSL says at once that it does not know it.
    if (name !== SCRYPT)
        return 0;
    const [blockSize = Number.NaN, parallel = Number.NaN] = rest;
    return COST * within(first * blockSize * parallel, MOST_SCRYPT_WORK);
}
function hex(der, element) {
    return (0,encoding_der/* contentOf */.$E)(der, element).toString('hex');
}

;// CONCATENATED MODULE: ./lib/identity/private-key.js







/** What TLS 1.2 and 1.3 have signature schemes for in Node.js. */
const SUPPORTED = new Set(['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448']);
const CONVERT = 'Convert it to PKCS#8 with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.key -out new.key`; for ciphers that OpenSSL 3 has put aside add `-provider legacy -provider default`.';
function isKeyBlock(block) {
    return (0,encoding_kind/* isKeyKind */.uX)(block.kind);
}
/**
 * The key of one block: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915), encrypted or not, or an encrypted PEM
 * key of old (RFC 1421 headers). `budget`: of the input that it stands in. Throws
 * PublishError E_KEY_UNREADABLE, E_KEY_UNSUPPORTED, E_KEY_PASSPHRASE_MISSING or E_KEY_PASSPHRASE_WRONG.
 */
function openKey(block, passphrase, budget) {
    const opened = isEncrypted(block)
        ? openEncrypted(block, passphrase, budget)
        : { key: load(block), passphrase: undefined };
    const type = opened.key.asymmetricKeyType ?? 'unknown';
    if (SUPPORTED.has(type))
        return opened;
    throw unsupported(block, `is a private key of the type ${type}, with which TLS cannot sign`);
}
function isEncrypted({ kind }) {
    return kind === 'encrypted-pkcs8' || kind === 'encrypted-pem';
}
function unsupported({ where }, what, hint) {
    return new errors/* PublishError */.S1({
        code: 'E_KEY_UNSUPPORTED',
        message: `${where} ${what}`,
        hint: hint ?? 'Use an RSA, EC or Ed25519 key, and a certificate issued for it.',
    });
}
function unknownCipher(block) {
    return unsupported(block, 'is encrypted with a cipher that this action does not have (RC2, RC4 or the like)', CONVERT);
}
function unreadable({ where }, cause) {
    return new errors/* PublishError */.S1({
        code: 'E_KEY_UNREADABLE',
        message: `${where} is no private key that can be read: it is damaged`,
        hint: 'Store the key again from its file.',
        cause,
    });
}
function load(block) {
    const { kind, bytes } = block;
    if (kind === 'dsa')
        throw unsupported(block, 'is a DSA key, with which TLS no longer signs');
    if (kind !== 'pkcs8' && kind !== 'pkcs1' && kind !== 'sec1')
        throw unreadable(block);
    try {
        return (0,external_node_crypto_.createPrivateKey)({ key: bytes, format: 'der', type: kind });
    }
    catch (cause) {
        if (kind !== 'pkcs8' || KNOWN_ALGORITHMS.has(algorithmOf(bytes)))
            throw unreadable(block, cause);
        throw unsupported(block, 'is a private key of an algorithm that Node.js does not know');
    }
}
/** RSA, RSA-PSS, EC, Ed25519, Ed448: their object identifiers as DER holds them, in hex. */
const KNOWN_ALGORITHMS = new Set(['2a864886f70d010101', '2a864886f70d01010a', '2a8648ce3d0201', '2b6570', '2b6571']);
/** Of PKCS#8: version, then the algorithm's identifier with its parameters. */
function algorithmOf(der) {
    const outer = (0,encoding_der/* elementAt */.s2)(der, 0);
    const [, algorithm] = (outer && (0,encoding_der/* childrenOf */.LU)(der, outer)) ?? [];
    const [identifier] = (algorithm && (0,encoding_der/* childrenOf */.LU)(der, algorithm)) ?? [];
    return identifier === undefined ? '' : (0,encoding_der/* contentOf */.$E)(der, identifier).toString('hex');
}
/**
 * Whether what the key signs verifies with the certificate. EC and RSA keys carry their public half beside the private
 * one and are loaded although the two do not belong together; OpenSSL compares the public halves alone.
 */
function signsFor(certificate, key) {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    // What these hold is the private half alone.
    if (type === 'ed25519' || type === 'ed448')
        return true;
    // An RSA-PSS key may be bound to one digest.
    const digest = details?.hashAlgorithm ?? 'sha256';
    const sample = Buffer.from('sample');
    try {
        return (0,external_node_crypto_.verify)(digest, sample, certificate.publicKey, (0,external_node_crypto_.sign)(digest, sample, key));
    }
    catch {
        return false;
    }
}
function openEncrypted(block, passphrase, budget) {
    if (passphrase === undefined) {
        throw new errors/* PublishError */.S1({
            code: 'E_KEY_PASSPHRASE_MISSING',
            message: `${block.where} is an encrypted private key, but client-key-passphrase is empty`,
            hint: 'Give its passphrase as client-key-passphrase, from a secret that this job can read.',
        });
    }
    const decrypt = decrypterOf(block, budget);
    const asGiven = decrypt(passphrase);
    if (asGiven !== undefined)
        return { key: asGiven, passphrase: 'as given' };
    const trimmed = withoutLineEnd(passphrase);
    const second = trimmed === passphrase ? undefined : decrypt(trimmed);
    if (second !== undefined)
        return { key: second, passphrase: 'without its line end' };
    throw new errors/* PublishError */.S1({
        code: 'E_KEY_PASSPHRASE_WRONG',
        message: `client-key-passphrase does not open ${block.where}`,
        hint: 'Check that the passphrase belongs to this key (blanks and quotes around it count), or decrypt the key on your machine to see: `openssl pkey -in client.key -noout`.',
    });
}
/** A secret set from a file or by `echo` keeps the last line end. */
function withoutLineEnd(passphrase) {
    return passphrase.replace(/(\r\n|\n|\r)$/, '');
}
function decrypterOf(block, budget) {
    return block.kind === 'encrypted-pem' ? decrypterOfPem(block) : decrypterOfPkcs8(block, budget);
}
function decrypterOfPem(block) {
    const { bytes, encryption, label = 'RSA PRIVATE KEY' } = block;
    if (encryption?.cipher === undefined)
        throw unknownCipher(block);
    const iv = Buffer.from(encryption.iv, 'hex');
    if (bytes.length % iv.length !== 0)
        throw unreadable(block);
    if (encryption.cipher === 'DES-CBC')
        return attempt((passphrase) => loadDecrypted(openDesPem(bytes, passphrase, iv)));
    const pem = (0,encoding_pem/* writeEncryptedPem */.wC)(label, bytes, encryption);
    return attempt((passphrase) => (0,external_node_crypto_.createPrivateKey)({ key: pem, passphrase }));
}
function decrypterOfPkcs8(block, budget) {
    const read = readKeyEncryption(block.bytes);
    if (read === undefined)
        throw unreadable(block);
    const { pbes1, encrypted, rounds } = read;
    return attempt((passphrase) => {
        if (!budget.afford(rounds))
            throw unsupported(block, 'asks for more key derivation than any tool writes', CONVERT);
        if (pbes1 !== undefined)
            return loadDecrypted(openPbes1(encrypted, passphrase, pbes1));
        try {
            return (0,external_node_crypto_.createPrivateKey)({ key: block.bytes, format: 'der', type: 'pkcs8', passphrase });
        }
        catch (error) {
            if ((0,errors/* errorCodeOf */.D9)(error) !== 'ERR_OSSL_EVP_UNSUPPORTED')
                throw error;
            throw unknownCipher(block);
        }
    });
}
/** A wrong passphrase gives wrong padding, or once in 256 times bytes that are no key. */
function attempt(open) {
    return (passphrase) => {
        try {
            return open(passphrase);
        }
        catch (error) {
            if (error instanceof errors/* PublishError */.S1)
                throw error;
            return undefined;
        }
    };
}
function loadDecrypted(der) {
    const kind = (0,encoding_kind/* kindOfDer */.x6)(der);
    if (kind !== 'pkcs8' && kind !== 'pkcs1' && kind !== 'sec1')
        return undefined;
    return (0,external_node_crypto_.createPrivateKey)({ key: der, format: 'der', type: kind });
}


/***/ }),

/***/ 5691:
/***/ ((__webpack_module__, __unused_webpack___webpack_exports__, __nccwpck_require__) => {

__nccwpck_require__.a(__webpack_module__, async (__webpack_handle_async_dependencies__, __webpack_async_result__) => { try {
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8161);
/* harmony import */ var _cleanup_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(4755);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(452);
/* harmony import */ var _inputs_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(9303);
/* harmony import */ var _publish_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(5979);
/* harmony import */ var _runner_js__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(869);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(8804);







/** Says to the post step that it is one: both run this file. */
const STARTED_STATE = 'started';
/** A kept connection must not keep the process: by then everything is reported. */
const EXIT_GRACE_MS = 2000;
const secretInputs = (0,_inputs_js__WEBPACK_IMPORTED_MODULE_3__/* .takeSecretInputs */ .R1)(process.env);
const runner = (0,_runner_js__WEBPACK_IMPORTED_MODULE_5__/* .createRunner */ .j)(process.env, node_os__WEBPACK_IMPORTED_MODULE_0__.tmpdir(), process.cwd());
if (runner.state(STARTED_STATE) !== '')
    (0,_cleanup_js__WEBPACK_IMPORTED_MODULE_1__/* .cleanUp */ .n)(runner);
else {
    runner.saveState(STARTED_STATE, 'true');
    const controller = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'])
        process.on(name, () => controller.abort(cancelled(name)));
    const { signal } = controller;
    const succeeded = await (0,_publish_js__WEBPACK_IMPORTED_MODULE_4__/* .publish */ .m)({ runner, env: process.env, secretInputs, secrets: new _text_js__WEBPACK_IMPORTED_MODULE_6__/* .Secrets */ .Sb(), signal });
    process.exitCode = succeeded ? 0 : 1;
    setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}
function cancelled(name) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .PublishError */ .S1({
        code: 'E_RUN_CANCELLED',
        message: `the run was cancelled (${name})`,
        hint: 'Files that were sent completely are on the index; the list says which.',
    });
}

__webpack_async_result__();
} catch(e) { __webpack_async_result__(e); } }, 1);

/***/ }),

/***/ 9303:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  Ko: () => (/* binding */ readInputs),
  H8: () => (/* binding */ refuseUntrustedEvent),
  R1: () => (/* binding */ takeSecretInputs)
});

// UNUSED EXPORTS: INPUT_NAMES

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __nccwpck_require__(3024);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(6760);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __nccwpck_require__(452);
// EXTERNAL MODULE: ./lib/text.js
var lib_text = __nccwpck_require__(8804);
// EXTERNAL MODULE: ./lib/encoding/base64.js
var base64 = __nccwpck_require__(8610);
// EXTERNAL MODULE: ./lib/encoding/blocks.js + 1 modules
var encoding_blocks = __nccwpck_require__(8210);
// EXTERNAL MODULE: ./lib/encoding/der.js
var der = __nccwpck_require__(7578);
// EXTERNAL MODULE: ./lib/encoding/kind.js
var encoding_kind = __nccwpck_require__(6991);
// EXTERNAL MODULE: ./lib/encoding/pem.js
var pem = __nccwpck_require__(2151);
;// CONCATENATED MODULE: ./lib/encoding/text-encoding.js
/**
 * Text as editors and shells of all systems save it: UTF-8 or UTF-16 in both orders, with a byte order mark or without.
 * ASCII in UTF-16 has a zero beside each character: PowerShell writes it so, and base64 of it often has no mark.
 */
function decodeText(bytes) {
    const mark = bytes.subarray(0, 2).toString('hex');
    if (mark === 'fffe' || (bytes[1] === 0 && bytes[3] === 0))
        return withoutMark(bytes.toString('utf16le'));
    if (mark === 'feff' || (bytes[0] === 0 && bytes[2] === 0))
        return withoutMark(swapped(bytes).toString('utf16le'));
    return withoutMark(bytes.toString('utf8'));
}
function withoutMark(text) {
    return text.replace(/^\ufeff/, '');
}
function swapped(bytes) {
    return Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2))).swap16();
}

;// CONCATENATED MODULE: ./lib/encoding/value.js



/** Endings of files that hold certificates and keys. A token may hold dots too, so no other ending proves a path. */
const FILE_NAME = /^.{1,120}\.(pem|crt|cer|cert|key|p12|pfx|pkcs12|der|p7b|p7c|p7s|p8|pk8|b64|base64|txt|jks|bundle)$/i;
/** The last part of a value that looks like a path, printable; undefined for all others: they may be secrets. */
function pathSeen(word) {
    const name = baseName(word);
    return !/[\r\n]/.test(word) && FILE_NAME.test(name) ? (0,lib_text/* printable */.g$)(name, 80) : undefined;
}
/** Both separators count: a path is often written on another system than the runner's. */
function baseName(word) {
    return word.split(/[/\\]/).at(-1) ?? '';
}
/** Keys that stay where they are (RFC 7512, and cosign's schemes of the large KMS), and URLs. Throws E_INPUT_FORMAT. */
function refuseUri(input, word) {
    const [, scheme = ''] = /^(pkcs11|awskms|gcpkms|azurekms|hashivault|file|data|https?|ftp|ldaps?):/i.exec(word) ?? [];
    if (scheme === '')
        return;
    const name = `${input} is a ${scheme.toLowerCase()}: URI`;
    if (/^(https?|ftp|ldaps?)$/i.test(scheme)) {
        throw new errors/* PublishError */.S1({
            code: 'E_INPUT_FORMAT',
            message: `${name}, and nothing is downloaded: expected PEM text, base64 of PEM or DER, or the path of an existing file`,
            hint: 'Download it in an earlier step, check that it is what you expect, and give the path of the file.',
        });
    }
    throw new errors/* PublishError */.S1({
        code: 'E_INPUT_FORMAT',
        message: `${name}, but this version takes PEM or PKCS#12 only`,
        hint: 'Give PEM text, base64 of it (or of a PKCS#12 file), or the path of its file.',
    });
}
const STORE_BASE64 = 'Store base64 of the file: `base64 -w0 client.p12 | gh secret set NAME` (on macOS `base64 -i`).';
/** What a value seems to be; undefined where nothing is recognised. */
function describeValue(value) {
    const word = value.trim();
    const length = `of ${(0,lib_text/* count */.U9)(word.length, 'character')}`;
    if (word === '')
        return { kind: 'empty' };
    if (/^[0-9a-f\s:]+$/i.test(word))
        return describeHex(word);
    if (/^\*+$/.test(word))
        return { kind: 'a row of asterisks, copied from a masked log' };
    if (/^\$\{\{.*\}\}$/s.test(word))
        return { kind: 'an expression of a workflow file that was not evaluated', hint: EVALUATE };
    if (/^(\$\w+|\$\{\w+\}|\$env:\w+|%\w+%)$/.test(word))
        return { kind: 'the name of a variable, which only a shell replaces by its value', hint: EVALUATE };
    if (/^[{[]/.test(word))
        return { kind: `JSON ${length}` };
    if (/^<(!|\?|[a-z])/i.test(word))
        return { kind: `HTML or XML ${length}` };
    if (/^(ssh-|ecdsa-sha2-)/.test(word))
        return { kind: `an OpenSSH public key ${length}` };
    if (word.startsWith('PuTTY-User-Key-File'))
        return { kind: `a PuTTY key ${length}` };
    if (/BEGIN [A-Z0-9 ]{0,40}(CERTIFICATE|KEY)/.test(word))
        return { kind: `PEM ${length} whose BEGIN line lacks hyphens` };
    return undefined;
}
/** Undefined for what is text. */
function describeDamage(value) {
    // What is no UTF-8 was replaced, and control characters are in no text.
    if (!/[\ufffd\x01-\x08\x0e-\x1f]/.test(value))
        return undefined;
    return { kind: 'a binary file that was stored as text, which damages it', hint: STORE_BASE64 };
}
const EVALUATE = 'Write the expression in the workflow file itself, under `with:` of this step; the value of a secret or variable is not evaluated once more.';
/** Client secrets have 32 to 64 digits; `xxd`, `openssl x509 -fingerprint` and browsers print bytes so. */
function describeHex(word) {
    const digits = word.replace(/[\s:]/g, '');
    const amount = `${digits.length} hexadecimal digits`;
    const kind = digits.length % 2 === 0 ? (0,encoding_kind/* kindOfDer */.x6)(Buffer.from(digits, 'hex')) : 'unknown';
    if (kind !== 'unknown')
        return { kind: `${amount} of ${(0,encoding_kind/* nameOfKind */.lI)(kind)}`, hint: STORE_BASE64 };
    if (word.includes(':'))
        return { kind: `${amount} with colons, maybe a fingerprint or serial number` };
    return { kind: digits.length > 128 ? amount : `${amount}, maybe an app's client secret` };
}
/** Characters that a long base64 text holds besides its own: at most two different ones, few times. Undefined for others. */
function strayCharacters(word) {
    // Of a short value, which may be a password, each character tells something.
    if (word.length < 200)
        return undefined;
    const strays = word.match(/[^A-Za-z0-9+/=\-_\s]/g) ?? [];
    const distinct = [...new Set(strays)];
    if (distinct.length > 2 || strays.length > word.length / 20)
        return undefined;
    return distinct.map((one) => `\`${(0,lib_text/* printable */.g$)(one, 8)}\``).join(' and ');
}

;// CONCATENATED MODULE: ./lib/encoding/input-material.js











/** Bytes. */
const LARGEST_FILE = 1024 * 1024;
/** base64 of base64 is met (a tool encodes what was encoded by hand); more is no accident. */
const MOST_LAYERS = 2;
/** Shorter lines are in too many innocent texts to be masked. */
const SHORTEST_LINE = 16;
/** Certificates; a client's chain has three or four. */
const MOST_MASKED = 20;
/**
 * Decides by the decoded bytes what an input holds: PEM text; else an existing file (relative to `workspace`); else
 * base64 of PEM, DER or PKCS#12. Throws PublishError E_INPUT_FORMAT (none of them), E_INPUT_FILE (a path without a
 * readable file of at most 1 MiB) or E_INPUT_TRUNCATED. Errors give the value's length and kind, never the value.
 */
function readMaterial(input, value, options) {
    const text = unquoteJson(value.replaceAll('\0', ''));
    if ((0,pem/* isPem */.X3)(text))
        return { input, bytes: Buffer.from(value, 'utf8'), text: (0,pem/* repairPem */.Em)(text), origin: 'text' };
    const word = unquote(text);
    refuseUri(input, word);
    const file = readFile(input, word, options.workspace);
    if (file !== undefined)
        return fromFile(input, file, (0,lib_text/* printable */.g$)(baseName(word), 80));
    const decoded = (0,base64/* decodeBase64 */.y4)(word);
    const found = decoded && decode(decoded, MOST_LAYERS);
    if (found === undefined)
        throw unreadable(input, word, decoded);
    refuseCutOff(input, found.bytes, `${(0,der/* formatNumber */.ZV)((0,base64/* withoutFilling */._P)(word).length)} characters of base64`);
    return { input, ...found, origin: 'base64' };
}
function fromFile(input, file, shownPath) {
    const found = decode(file, MOST_LAYERS + 1);
    if (found === undefined) {
        const { kind, hint } = describeBytes(file);
        throw new errors/* PublishError */.S1({
            code: 'E_INPUT_FORMAT',
            message: `${input} names the file ${shownPath}, which holds ${kind}: expected PEM, DER, or base64 of them`,
            hint: hint ?? 'Give the path of a file with certificates or a private key.',
        });
    }
    refuseCutOff(input, found.bytes, `in the file ${shownPath}`);
    return { input, ...found, origin: 'path', shownPath };
}
/** Bytes of a file or of base64: PEM, DER, or base64 of them again. */
function decode(bytes, layers) {
    if ((0,encoding_kind/* beginsAsDer */.Kf)(bytes))
        return { bytes, text: undefined };
    const text = decodeText(bytes);
    if ((0,pem/* isPem */.X3)(text))
        return { bytes, text: (0,pem/* repairPem */.Em)(text) };
    const inner = layers > 1 ? (0,base64/* decodeBase64 */.y4)(unquote(text)) : undefined;
    return inner && decode(inner, layers - 1);
}
/** A terminal that cuts a long paste says nothing, and minutes later everybody suspects the passphrase. */
function refuseCutOff(input, bytes, source) {
    const missing = (0,encoding_kind/* beginsAsDer */.Kf)(bytes) ? (0,der/* shortage */.wD)(bytes) : undefined;
    if (missing === undefined)
        return;
    throw new errors/* PublishError */.S1({
        code: 'E_INPUT_TRUNCATED',
        message: `${input} is cut off (${(0,encoding_kind/* nameOfKind */.lI)((0,encoding_kind/* kindOfDer */.x6)(bytes))}): ${missing} (${source})`,
        hint: 'Store the value again from a file (`gh secret set NAME < file`): terminals cut long pastes.',
    });
}
function unreadable(input, word, decoded) {
    const file = pathSeen(word);
    if (file !== undefined) {
        return new errors/* PublishError */.S1({
            code: 'E_INPUT_FILE',
            message: `${input} looks like a path (it ends in ${external_node_path_.extname(file)}), and there is no such file: ${file}`,
            hint: /^[~@]/.test(word)
                ? 'Give the path itself: `~` means something to shells alone, and `@` to curl.'
                : 'Give the path relative to the workspace; in a container job `github.workspace` is the path on the host, which does not exist in the container.',
        });
    }
    const { kind, hint } = describeValue(word) ?? describeDamage(word) ?? describeRest(word, decoded);
    return new errors/* PublishError */.S1({
        code: 'E_INPUT_FORMAT',
        message: `${input} is ${kind}: expected PEM text, base64 of PEM or DER, or the path of an existing file`,
        hint: hint ??
            'Store the whole content of the file, from the first `-----BEGIN` to the last `-----END` line, or base64 of it.',
    });
}
function describeRest(word, decoded) {
    const length = (0,lib_text/* count */.U9)(word.length, 'character');
    if (decoded !== undefined) {
        const { kind, hint } = describeBytes(decoded);
        return { kind: `text of ${length} that is no PEM; as base64 it gives ${kind}`, ...(hint && { hint }) };
    }
    const strays = strayCharacters(word);
    if (strays === undefined)
        return { kind: `text of ${length} that is neither PEM nor base64` };
    return {
        kind: `text of ${length} that would be base64 but for ${strays}`,
        hint: 'Store base64 of the file and nothing else: no name in front, no sign of the prompt behind it.',
    };
}
/** JKS and JCEKS, by their first bytes. */
const JAVA_STORES = new Set(['feedfeed', 'cececece']);
function describeBytes(bytes) {
    if (JAVA_STORES.has(bytes.subarray(0, 4).toString('hex'))) {
        return {
            kind: 'a Java key store (JKS; keytool converts it)',
            hint: 'Convert it with `keytool -importkeystore -srckeystore client.jks -destkeystore client.p12 -deststoretype PKCS12`, and give client.p12.',
        };
    }
    if ((0,encoding_blocks/* isOpenSsh */.nN)(bytes))
        return { kind: 'an OpenSSH private key without its BEGIN line' };
    const replaced = bytes.includes('\ufffd') ? describeDamage('\ufffd') : undefined;
    return replaced ?? describeValue(decodeText(bytes)) ?? { kind: `${(0,lib_text/* count */.U9)(bytes.length, 'byte')} of an unknown kind` };
}
/** A value that was copied out of a JSON document, quotes and escapes with it. */
function unquoteJson(value) {
    const trimmed = value.trim();
    if (!trimmed.startsWith('"') || !trimmed.endsWith('"'))
        return value;
    try {
        const parsed = JSON.parse(trimmed);
        return typeof parsed === 'string' ? parsed : value;
    }
    catch {
        return value;
    }
}
function unquote(text) {
    const trimmed = text.trim();
    const [, , inner] = /^(["'`])(.*)\1$/s.exec(trimmed) ?? [];
    return inner?.trim() ?? trimmed;
}
/** What open() answers for a value that is no path at all, or the path of nothing. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'UNKNOWN']);
/** The file that the value names; undefined where there is none. Throws E_INPUT_FILE. */
function readFile(input, word, workspace) {
    if (word === '' || /[\r\n]/.test(word))
        return undefined;
    let descriptor;
    try {
        // Without O_NONBLOCK a FIFO under this name would hold the run up for ever.
        descriptor = (0,external_node_fs_.openSync)(external_node_path_.resolve(workspace, word), external_node_fs_.constants.O_RDONLY | (external_node_fs_.constants.O_NONBLOCK ?? 0));
        const status = (0,external_node_fs_.fstatSync)(descriptor);
        if (!status.isFile())
            throw noFile(input, word, status.isDirectory() ? 'is a directory' : 'is no regular file');
        const content = readUpTo(descriptor, LARGEST_FILE + 1);
        if (content.length > LARGEST_FILE)
            throw noFile(input, word, 'is larger than that');
        if (content.length === 0)
            throw noFile(input, word, 'is empty');
        return content;
    }
    catch (error) {
        const code = (0,errors/* errorCodeOf */.D9)(error);
        if (error instanceof errors/* PublishError */.S1)
            throw error;
        if (code !== undefined && ABSENT.has(code))
            return undefined;
        throw noFile(input, word, `cannot be read (${code ?? 'no reason given'})`, error);
    }
    finally {
        if (descriptor !== undefined)
            (0,external_node_fs_.closeSync)(descriptor);
    }
}
function noFile(input, word, fault, cause) {
    return new errors/* PublishError */.S1({
        code: 'E_INPUT_FILE',
        message: `${input} must name a regular file of at most 1 MiB, but the path given ${fault}: \`${(0,lib_text/* printable */.g$)(baseName(word), 80) || '/'}\``,
        hint: 'Give the path of one file, relative to the workspace.',
        cause,
    });
}
function readUpTo(descriptor, most) {
    const buffer = Buffer.alloc(most);
    let length = 0;
    while (length < most) {
        const read = (0,external_node_fs_.readSync)(descriptor, buffer, length, most - length, null);
        if (read === 0)
            break;
        length += read;
    }
    return buffer.subarray(0, length);
}
/**
 * Every line that the log must hide and that the runner does not know by itself: it knows the secret as it is stored, not
 * what decoding makes of it. Lines of base64 from 16 characters on, and each joined body; never a BEGIN, END or header
 * line, nor text around the blocks. None of a bundle of many certificates: those are public, and thousands of masks
 * would slow down every line of the log.
 */
function linesToMask(material) {
    if (isPublicBundle(material))
        return [];
    const { bytes, text } = material;
    const bodies = text === undefined ? [bytes.toString('base64')] : (0,pem/* pemBodies */.ZI)(text);
    const lines = new Set();
    for (const body of bodies) {
        const joined = (0,base64/* withoutFilling */._P)(body);
        for (const line of [joined, ...(body.match(/[\w+/-]+={0,2}/g) ?? []), ...(0,base64/* base64Lines */.Hl)(joined)]) {
            if (line.length >= SHORTEST_LINE)
                lines.add(line);
        }
    }
    return [...lines];
}
function isPublicBundle(material) {
    const { blocks, broken } = (0,encoding_blocks/* readBlocks */.v_)(material);
    const isCertificates = broken.length === 0 && blocks.every(({ certificates }) => certificates.length > 0);
    return isCertificates && blocks.flatMap(({ certificates }) => certificates).length > MOST_MASKED;
}

;// CONCATENATED MODULE: ./lib/neighbours.js
/** What users of twine, uv and gh-action-pypi-publish write, and what it is called here. */
const TOKEN = 'a token is the `password` here, with the user name that your index documents as `user`';
/** By their newer spelling, with hyphens. */
const INPUTS = new Map([
    ['username', 'this action calls it `user`'],
    ['repository', 'this action takes the whole URL as `repository-url`'],
    ['index-url', 'this action takes the upload URL as `repository-url`'],
    ['publish-url', 'this action calls it `repository-url`'],
    ['url', 'this action calls it `repository-url`'],
    ['packages', 'this action calls it `packages-dir` (a directory) or `files` (patterns)'],
    ['dist', 'this action calls it `packages-dir`'],
    ['token', TOKEN],
    ['api-token', TOKEN],
    ['bearer-token', 'this version sends HTTP Basic only: `user` and `password`'],
    ['cert', 'the CAs of the server are `ca-bundle` here, the client certificate is `client-cert`'],
    ['certificate', 'the client certificate is `client-cert` here'],
    ['client-certificate', 'this action calls it `client-cert`'],
    ['key', 'the private key is `client-key` here'],
    ['private-key', 'this action calls it `client-key`'],
    ['passphrase', 'this action calls it `client-key-passphrase`'],
    ['ca-cert', 'this action calls it `ca-bundle`'],
    ['index', 'the simple index is `check-url` here, the upload URL `repository-url`'],
    ['attestations', 'this version attaches no attestations; remove the input'],
    ['verbose', 'the log is always complete; remove the input'],
    ['print-hash', 'the digests stand in the summary and in the output `files`; remove the input'],
]);
/**
 * Advice for an input that is none of `ours`, as the end of a sentence; undefined for a name that nobody else has either.
 * Underscores are the older spelling: `packages_dir` is `packages-dir`.
 */
function adviceFor(name, ours) {
    const spelled = name.replaceAll('_', '-');
    return ours.includes(spelled) ? `this action calls it \`${spelled}\`` : INPUTS.get(spelled);
}
/** twine's variables that name a target or an identity: silently ignored they would surprise. By our input. */
const VARIABLES = new Map([
    ['repository-url', ['TWINE_REPOSITORY_URL', 'TWINE_REPOSITORY']],
    ['client-cert', ['TWINE_CLIENT_CERT']],
    ['user', ['TWINE_USERNAME']],
    ['password', ['TWINE_PASSWORD']],
]);
/** Names of the variables that are set and mean what `input` means here. */
function variablesLike(input, env) {
    return (VARIABLES.get(input) ?? []).filter((name) => (env[name] ?? '') !== '');
}

;// CONCATENATED MODULE: ./lib/inputs.js







/** Words that stand for "not given", so that an empty value can be told from an absent one. `action.yml` has the same. */
const DEFAULTS = new Map([
    ['packages-dir', 'dist'],
    ['ca-bundle', 'system'],
    ['client-ca-bundle', 'none'],
    ['client-crl', 'none'],
    ['chain-check', 'enforce'],
    ['client-auth', 'required'],
    ['expiry-warning-days', '30'],
    ['expiry-error-days', '0'],
    ['tls-min-version', '1.2'],
    ['tls-max-version', '1.3'],
    ['check-url', 'auto'],
    ['skip-existing', 'false'],
    ['verify-upload', 'true'],
    ['verify-timeout-seconds', '300'],
    ['max-parallel', '6'],
    ['retries', '4'],
    ['verify-metadata', 'true'],
    ['md5-digest', 'false'],
    ['expected-projects', 'one'],
    ['expected-version', 'one'],
    ['expected-files', 'any'],
    ['expected-sha256', 'any'],
    ['idle-timeout-seconds', '300'],
    ['dry-run', 'false'],
    ['export-credentials', 'false'],
]);
const OPTIONAL = [
    'files',
    'client-key',
    'client-key-passphrase',
    'client-key-alias',
    'user',
    'password',
    'support-contact',
];
const REQUIRED = ['repository-url', 'client-cert'];
/** All inputs of the action, by name. */
const INPUT_NAMES = [...REQUIRED, ...DEFAULTS.keys(), ...OPTIONAL];
/** Inputs whose value must not stay in the environment, where any later code of this process could read it. */
const SECRET_INPUTS = ['client-cert', 'client-key', 'client-key-passphrase', 'password'];
const LINE_END = /\r\n|\r|\n/;
/** The text of a SHA256SUMS file begins so; all else is a path. */
const DIGEST_LINE = /^(\\?[0-9a-f]{64}(\s|$)|SHA2?-?256 ?\()/i;
/** Bytes of a SHA256SUMS file. */
const inputs_LARGEST_FILE = 1024 * 1024;
/**
 * Ends the run before any identity is read where the workflow runs code or data of strangers with the repository's
 * secrets. Throws E_RUN_UNTRUSTED_EVENT.
 */
function refuseUntrustedEvent(env) {
    const event = env.GITHUB_EVENT_NAME;
    const isForeignRun = event === 'workflow_run' && !isOwnRun(env);
    if (event !== 'pull_request_target' && !isForeignRun)
        return;
    throw new errors/* PublishError */.S1({
        code: 'E_RUN_UNTRUSTED_EVENT',
        message: isForeignRun
            ? 'this run was started by `workflow_run` for a run of another repository (a fork), and would publish what that run made'
            : 'this run was started by `pull_request_target`, where a stranger can decide what is built with your secrets',
        hint: 'Publish from `push` of a tag, `release` or `workflow_dispatch` instead. No identity was read.',
    });
}
/** Whether the run that started this one is of this repository. What cannot be read is not trusted. */
function isOwnRun(env) {
    try {
        const event = JSON.parse((0,external_node_fs_.readFileSync)(env.GITHUB_EVENT_PATH ?? '', 'utf8'));
        const name = event?.workflow_run?.head_repository?.full_name;
        return typeof name === 'string' && name !== '' && name === env.GITHUB_REPOSITORY;
    }
    catch {
        return false;
    }
}
/** Takes every secret input out of the environment. The first act of the main step, and the post step's too. */
function takeSecretInputs(env) {
    const secrets = new Map();
    for (const name of SECRET_INPUTS) {
        const variable = variableOf(name);
        const value = env[variable];
        if (value !== undefined)
            secrets.set(name, value);
        delete env[variable];
    }
    return secrets;
}
function variableOf(name) {
    return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;
}
/**
 * Reads all inputs and reports all of their problems together (E_INPUT_*). `mask` gets every line that the log must
 * hide and that the runner does not know by itself, before anything is parsed.
 */
function readInputs(env, secretInputs, mask, secrets) {
    const reader = new InputReader({ env, secretInputs, mask, secrets });
    reader.refuseStrangers();
    const inputs = {
        credentials: reader.credentials(),
        clientKeyPassphrase: reader.passphrase(),
        clientKeyAlias: reader.text('client-key-alias') || undefined,
        clientCertificate: reader.clientCertificate(),
        clientKey: reader.clientKey(),
        repositoryUrl: reader.repositoryUrl(),
        packagesDir: reader.text('packages-dir'),
        files: reader.lines('files'),
        caBundle: reader.materialOr('ca-bundle', 'system'),
        clientCaBundle: reader.materialOr('client-ca-bundle', 'none'),
        clientCrl: reader.materialOr('client-crl', 'none'),
        chainCheck: reader.choice('chain-check', ['enforce', 'warn']),
        clientAuth: reader.choice('client-auth', ['required', 'optional']),
        expiryWarningDays: reader.integer('expiry-warning-days', 0, 3650),
        expiryErrorDays: reader.integer('expiry-error-days', 0, 3650),
        tlsMinVersion: reader.tlsVersion('tls-min-version'),
        tlsMaxVersion: reader.tlsVersion('tls-max-version'),
        checkUrl: reader.checkUrl(),
        skipExisting: reader.boolean('skip-existing'),
        verifyUpload: reader.boolean('verify-upload'),
        verifyTimeoutMs: reader.integer('verify-timeout-seconds', 1, 3600) * 1000,
        maxParallel: reader.integer('max-parallel', 1, 16),
        retries: reader.integer('retries', 0, 10),
        verifyMetadata: reader.boolean('verify-metadata'),
        md5Digest: reader.boolean('md5-digest'),
        expectedProjects: reader.expectedProjects(),
        expectedVersion: reader.text('expected-version'),
        expectedFiles: reader.expectedFiles(),
        expectedSha256: reader.expectedSha256(),
        idleTimeoutMs: reader.integer('idle-timeout-seconds', 1, 3600) * 1000,
        dryRun: reader.boolean('dry-run'),
        supportContact: reader.supportContact(),
        exportCredentials: reader.boolean('export-credentials'),
    };
    reader.checkCombinations(inputs);
    return { inputs: Object.freeze(inputs), ...reader.reading() };
}
class InputReader {
    #sources;
    #problems = new errors/* ProblemList */.Ku();
    #notices = [];
    #warnings = [];
    constructor(sources) {
        this.#sources = sources;
    }
    reading() {
        return { problems: this.#problems, notices: this.#notices, warnings: this.#warnings };
    }
    /** Names of other tools reach us as unknown variables, with no more than a warning of the runner. */
    refuseStrangers() {
        const { env } = this.#sources;
        const ours = new Set(INPUT_NAMES.map(variableOf));
        for (const variable of Object.keys(env)) {
            if (!variable.startsWith('INPUT_') || ours.has(variable))
                continue;
            const name = variable.slice('INPUT_'.length).toLowerCase();
            const start = `\`${(0,lib_text/* printable */.g$)(name, 60)}\` is not an input of this action`;
            const advice = adviceFor(name, INPUT_NAMES);
            if (advice === undefined)
                this.#warnings.push(`${start} and is ignored`);
            else
                this.#problems.add({ code: 'E_INPUT_UNKNOWN', message: `${start}: ${advice}` });
        }
    }
    /** A value as given; `''` where nothing was given and there is no default. Secrets come untrimmed. */
    #raw(name) {
        const { secretInputs, env } = this.#sources;
        return secretInputs.get(name) ?? env[variableOf(name)] ?? DEFAULTS.get(name) ?? '';
    }
    /** Runs a reader that throws; its problem is kept with the others. */
    #attempt(read) {
        try {
            return read();
        }
        catch (error) {
            if (!(error instanceof errors/* PublishError */.S1))
                throw error;
            this.#problems.add(error);
            return undefined;
        }
    }
    #invalid(name, expected, found) {
        this.#problems.add({
            code: 'E_INPUT_INVALID',
            message: `${name} must be ${expected}, but it is \`${(0,lib_text/* printable */.g$)(found, 60)}\``,
        });
    }
    /** A trimmed value. Empty where a default word exists: somebody's expression came out empty, which is never meant. */
    text(name) {
        const value = this.#raw(name).trim();
        const word = DEFAULTS.get(name);
        if (value !== '' || word === undefined)
            return value;
        this.#problems.add({
            code: 'E_INPUT_EMPTY',
            message: `${name} is empty: an expression or secret that it was set from has no value here`,
            hint: `Give a value, or leave the line out: the default is \`${word}\`.`,
        });
        return word;
    }
    lines(name) {
        const lines = this.#raw(name).split(LINE_END);
        return lines.map((line) => line.trim()).filter((line) => line !== '');
    }
    /** One of the words. After a problem the default, so that one fault does not look like two. */
    choice(name, words) {
        const value = this.text(name);
        const word = words.find((candidate) => candidate === value);
        if (word !== undefined)
            return word;
        this.#invalid(name, words.map((candidate) => `\`${candidate}\``).join(' or '), value);
        return words.find((candidate) => candidate === DEFAULTS.get(name)) ?? words[0];
    }
    /** YAML 1.2 core schema. */
    boolean(name) {
        const value = this.text(name);
        if (/^(true|True|TRUE)$/.test(value))
            return true;
        if (/^(false|False|FALSE)$/.test(value))
            return false;
        this.#invalid(name, '`true` or `false`', value);
        return DEFAULTS.get(name) === 'true';
    }
    integer(name, min, max) {
        const value = this.text(name);
        const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
        if (number >= min && number <= max)
            return number;
        this.#invalid(name, `a whole number from ${min} to ${max}`, value);
        return Number(DEFAULTS.get(name));
    }
    tlsVersion(name) {
        return this.choice(name, ['1.2', '1.3']) === '1.2' ? 'TLSv1.2' : 'TLSv1.3';
    }
    repositoryUrl() {
        const value = this.text('repository-url');
        if (value === '') {
            this.#problems.add({
                code: 'E_INPUT_MISSING',
                message: `repository-url is empty: expected the upload URL of the package index${this.#unread('repository-url')}`,
                hint: 'Write the URL that the index documents for uploads, such as https://index.example.com/legacy/.',
            });
            return undefined;
        }
        return this.#url('repository-url', value, 'https://index.example.com/legacy/');
    }
    checkUrl() {
        const value = this.text('check-url');
        if (value === 'auto' || value === 'off')
            return value;
        const url = this.#url('check-url', value, 'https://index.example.com/simple/');
        if (url === undefined || url.search === '')
            return url;
        this.#invalid('check-url', '`auto`, `off` or the URL of a simple index without a query', (0,lib_text/* shownUrl */.zA)(url));
        return undefined;
    }
    #url(name, value, example) {
        const url = URL.parse(value);
        const fault = faultOfUrl(value) ?? (url === null ? 'it is not a URL' : undefined);
        if (url !== null && fault === undefined)
            return url;
        // The value is not shown: what is wrong with it may be a password in it.
        this.#problems.add({
            code: 'E_INPUT_INVALID',
            message: `${name} must be an https URL such as ${example}, but ${fault}`,
        });
        return undefined;
    }
    /** What twine would take in place of an empty input, for a sentence: `''` where nothing is set. */
    #unread(...inputs) {
        const names = inputs.flatMap((input) => variablesLike(input, this.#sources.env));
        if (names.length === 0)
            return '';
        return ` (${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} set, which this action does not read)`;
    }
    clientCertificate() {
        const value = this.#raw('client-cert');
        if (value.trim() === 'none')
            return 'none';
        if (value.trim() !== '')
            return this.#material('client-cert', value);
        this.#problems.add({
            code: 'E_INPUT_MISSING',
            message: `client-cert is empty: expected a client certificate, or the word \`none\` for an index that asks for none${this.#unread('client-cert')}`,
            hint: EMPTY_SECRET_REASONS,
        });
        return undefined;
    }
    clientKey() {
        const value = this.#raw('client-key');
        return value.trim() === '' ? undefined : (this.#material('client-key', value) ?? 'unreadable');
    }
    materialOr(name, word) {
        const value = this.text(name);
        return value === word ? word : this.#material(name, value);
    }
    /** Masked before anybody looks into it: the runner only knows the form that the secret has, not the decoded one. */
    #material(name, value) {
        return this.#attempt(() => {
            const workspace = this.#workspace();
            const material = readMaterial(name, value, { workspace });
            const encoded = SECRET_INPUTS.includes(name) && material.origin === 'base64' ? longBase64(value) : [];
            for (const line of [...encoded, ...linesToMask(material)])
                this.#hide(line);
            return material;
        });
    }
    #workspace() {
        return this.#sources.env.GITHUB_WORKSPACE || process.cwd();
    }
    #hide(value) {
        const { secrets, mask } = this.#sources;
        secrets.add(value);
        // The runner masks each line of what it gets, also one that is a single word: it gets the lines that we mean.
        for (const line of value.split(LINE_END))
            if (line.trim() !== '')
                mask(line);
    }
    passphrase() {
        const value = this.#raw('client-key-passphrase');
        if (value === '')
            return undefined;
        this.#hide(value);
        return value;
    }
    credentials() {
        const user = this.#withoutLineEnd('user').trim();
        const password = this.#withoutLineEnd('password');
        if (password !== '')
            this.#hide(password);
        const fault = this.#faultOfCredentials(user, password);
        if (fault !== undefined)
            this.#problems.add(fault);
        return fault !== undefined || user === '' ? undefined : { user, password };
    }
    /** A control character can be no part of HTTP Basic (RFC 7617), so a line end there is left over from a file or `echo`. */
    #withoutLineEnd(name) {
        const value = this.#raw(name);
        const trimmed = value.replace(/(\r\n|\n|\r)$/, '');
        if (trimmed !== value && trimmed !== '')
            this.#notices.push(`${name} ends in a line end; it is used without it`);
        return trimmed;
    }
    #faultOfCredentials(user, password) {
        if (user === '' && password === '') {
            const unread = this.#unread('user', 'password');
            return unread === '' ? undefined : { ...UNREAD_CREDENTIALS, message: UNREAD_CREDENTIALS.message + unread };
        }
        if (password === '')
            return {
                code: 'E_INPUT_CONFLICT',
                message: `user is given, but password is empty: most likely the secret does not exist in this job${this.#unread('password')}`,
                hint: EMPTY_SECRET_REASONS,
            };
        if (user === '')
            return {
                code: 'E_INPUT_CONFLICT',
                message: `password is given, but user is empty: HTTP Basic needs both${this.#unread('user')}`,
                hint: 'Give the user name that your index documents for tokens (often `__token__` or the account), or leave both out where the certificate alone is enough.',
            };
        return faultOfBasic(user, password);
    }
    expectedProjects() {
        const value = this.text('expected-projects');
        if (value === 'one' || value === 'any')
            return value;
        const names = value.split(/[\s,]+/).filter((name) => name !== '');
        if (names.length > 0)
            return names;
        this.#invalid('expected-projects', 'names of projects, `one` or `any`', value);
        // Not an empty list: every distribution would be a second fault.
        return 'any';
    }
    expectedFiles() {
        const value = this.text('expected-files');
        if (value === 'any')
            return 'any';
        if (/^[1-9]\d{0,5}$/.test(value))
            return Number(value);
        this.#invalid('expected-files', 'a whole number from 1, or `any`', value);
        return 'any';
    }
    expectedSha256() {
        const value = this.text('expected-sha256');
        if (value === 'any' || LINE_END.test(value) || DIGEST_LINE.test(value))
            return value;
        return this.#attempt(() => readDigestFile(value, this.#workspace())) ?? 'any';
    }
    supportContact() {
        return (0,lib_text/* printable */.g$)(this.#raw('support-contact'), 200) || undefined;
    }
    checkCombinations(inputs) {
        if (inputs.tlsMinVersion > inputs.tlsMaxVersion)
            this.#problems.add({
                code: 'E_INPUT_CONFLICT',
                message: 'tls-min-version is above tls-max-version: no TLS version is left',
            });
        if (inputs.clientCertificate !== 'none')
            return;
        const pointless = [
            ['client-key', this.#raw('client-key').trim() !== ''],
            ['client-key-passphrase', inputs.clientKeyPassphrase !== undefined],
            ['client-key-alias', inputs.clientKeyAlias !== undefined],
            ['client-ca-bundle', inputs.clientCaBundle !== 'none'],
            ['client-crl', inputs.clientCrl !== 'none'],
            ['expiry-error-days', inputs.expiryErrorDays > 0],
            ['export-credentials', inputs.exportCredentials],
        ];
        const names = pointless.flatMap(([name, isGiven]) => (isGiven ? [name] : []));
        if (names.length === 0)
            return;
        this.#problems.add({
            code: 'E_INPUT_CONFLICT',
            message: `client-cert is \`none\`, but ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} given: without a client certificate there is nothing to use that for`,
            hint: 'Give the client certificate, or leave these inputs out.',
        });
    }
}
/** Lines of base64 that are long enough to be a secret. */
function longBase64(value) {
    return value.match(/[A-Za-z0-9+/_-]{16,}={0,2}/g) ?? [];
}
/**
 * What is wrong with the text of a URL that gets the certificate. By its text and not as a parsed URL: the parser drops line ends, reads a
 * backslash as a slash, and takes the first folder for the host where that came out empty (`https:///legacy/`).
 */
function faultOfUrl(value) {
    if (/[\s\0-\x1f\x7f-\x9f\\]/.test(value))
        return 'it holds a blank, a line end or a backslash';
    const [, scheme, authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(value) ?? [];
    if (scheme === undefined)
        return 'it does not begin with `https://`';
    if (scheme.toLowerCase() !== 'https')
        return `its scheme is \`${(0,lib_text/* printable */.g$)(scheme, 20)}\``;
    if (authority.includes('@'))
        return 'it holds a user name or password: give them as `user` and `password`';
    if (authority === '')
        return 'it names no host';
    return value.includes('#') ? 'it has a fragment (`#`), which is never sent' : undefined;
}
const CONTROL_CHARACTER = /[\0-\x1f\x7f-\x9f]/;
/** RFC 7617, section 2. */
function faultOfBasic(user, password) {
    const name = CONTROL_CHARACTER.test(user) ? 'user' : 'password';
    if (CONTROL_CHARACTER.test(user + password))
        return {
            code: 'E_INPUT_INVALID',
            message: `${name} holds a control character, such as a line end: HTTP Basic cannot carry it`,
            hint: 'Store the value again, from a file without extra lines.',
        };
    if (!user.includes(':'))
        return undefined;
    return {
        code: 'E_INPUT_INVALID',
        message: 'user holds a colon: HTTP Basic cannot carry it',
        hint: 'Give the user name alone, and the password or token as `password`.',
    };
}
const UNREAD_CREDENTIALS = {
    code: 'E_INPUT_UNKNOWN',
    message: 'user and password are empty',
    hint: 'Give the values as `user` and `password`, or remove the variables where the certificate alone is enough.',
};
const EMPTY_SECRET_REASONS = [
    'Likely reasons: the secret has another name;',
    'the job names no `environment:` and the secret belongs to one;',
    'the run comes from a fork or from Dependabot, which get no secrets;',
    'a reusable workflow was not given the secret by name;',
    'an environment secret was expected in a reusable workflow of another repository or owner, where it never arrives:',
    'pass repository or organisation secrets by name, or use this action as a step in a job of your own with `environment:`.',
].join(' ');
/** The text of a SHA256SUMS file. Throws E_INPUT_FILE. */
function readDigestFile(value, workspace) {
    let descriptor;
    try {
        // Without O_NONBLOCK a FIFO under this name would hold the run up for ever.
        descriptor = (0,external_node_fs_.openSync)(external_node_path_.resolve(workspace, value), external_node_fs_.constants.O_RDONLY | (external_node_fs_.constants.O_NONBLOCK ?? 0));
        const status = (0,external_node_fs_.fstatSync)(descriptor);
        if (status.isFile() && status.size <= inputs_LARGEST_FILE)
            return decodeText((0,external_node_fs_.readFileSync)(descriptor));
        throw noDigestFile(value);
    }
    catch (error) {
        throw error instanceof errors/* PublishError */.S1 ? error : noDigestFile(value, error);
    }
    finally {
        if (descriptor !== undefined)
            (0,external_node_fs_.closeSync)(descriptor);
    }
}
function noDigestFile(value, cause) {
    return new errors/* PublishError */.S1({
        code: 'E_INPUT_FILE',
        message: `expected-sha256 is neither lines of digests nor a readable file of at most 1 MiB: \`${(0,lib_text/* printable */.g$)(external_node_path_.basename(value), 80)}\``,
        hint: 'Give the lines of a SHA256SUMS file, its path relative to the workspace, or `any`.',
        cause,
    });
}


/***/ }),

/***/ 1242:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   KF: () => (/* binding */ MaterialKeeper),
/* harmony export */   ME: () => (/* binding */ MATERIAL_STATE),
/* harmony export */   _E: () => (/* binding */ findTmpfs),
/* harmony export */   iq: () => (/* binding */ removeMaterial)
/* harmony export */ });
/* unused harmony exports currentOwner, Material, sweep */
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(452);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(8804);
/**
 * Certificate material on a file system in memory: what is written, how, and how it goes away. The private key is
 * written only for `export-credentials`.
 */




/** Name under which the main step hands the directory's path to the post step. */
const MATERIAL_STATE = 'material';
const PREFIX = 'publish-python-mtls';
const NAME_PATTERN = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-([0-9a-f]+)-(\\d+)-[A-Za-z0-9]{6}$`);
/** Types of statfs(2): tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x858458f6];
/** The first directory of the machine that lives in memory and that we can write to. */
function findTmpfs(uid) {
    if (process.platform !== 'linux')
        return undefined;
    return ['/dev/shm', `/run/user/${uid ?? 0}`].find((directory) => {
        try {
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.accessSync)(directory, node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.W_OK);
            return MEMORY_FILE_SYSTEMS.includes((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statfsSync)(directory).type) && (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(directory).isDirectory();
        }
        catch {
            return false;
        }
    });
}
/** The owner that a directory made by this process gets into its name. */
function currentOwner() {
    const parentPid = process.ppid;
    return {
        parentPid,
        parentStart: startOf(parentPid) ?? '0',
        bootId: readTrimmed('/proc/sys/kernel/random/boot_id').replaceAll('-', '') || '0',
        pidNamespace: /\d+/.exec(readLink('/proc/self/ns/pid'))?.[0] ?? '0',
    };
}
/** Field 22 of /proc/PID/stat (proc(5)); the program's name before it may hold blanks and brackets. */
function startOf(pid) {
    const status = readTrimmed(`/proc/${pid}/stat`);
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
}
function readTrimmed(file) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(file, 'latin1').trim();
    }
    catch {
        return '';
    }
}
function readLink(file) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readlinkSync)(file);
    }
    catch {
        return '';
    }
}
/** A directory of its own, 0700, with files that only its owner can read. */
class Material {
    directory;
    constructor(directory) {
        this.directory = directory;
    }
    /** Makes the directory, empty. Nothing may be written before its path was saved as state. Throws E_MATERIAL_WRITE. */
    static create(base, owner) {
        const name = [PREFIX, owner.parentPid, owner.parentStart, owner.bootId, owner.pidNamespace, ''].join('-');
        try {
            return new Material((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.mkdtempSync)(node_path__WEBPACK_IMPORTED_MODULE_1__.join(base, name)));
        }
        catch (error) {
            throw writeFault(base, error);
        }
    }
    /** Writes one new file, 0600, and returns its path. Throws E_MATERIAL_WRITE. */
    write(name, content) {
        const file = node_path__WEBPACK_IMPORTED_MODULE_1__.join(this.directory, name);
        let descriptor;
        try {
            // Exclusive, which follows no link: a file or link that is there already was put there by somebody else.
            descriptor = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.openSync)(file, node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_WRONLY | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_CREAT | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_EXCL, 0o600);
            const bytes = Buffer.from(content, 'utf8');
            for (let at = 0; at < bytes.length;)
                at += (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.writeSync)(descriptor, bytes, at);
            return file;
        }
        catch (error) {
            throw writeFault(this.directory, error);
        }
        finally {
            if (descriptor !== undefined)
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.closeSync)(descriptor);
        }
    }
}
function writeFault(place, cause) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .PublishError */ .S1({
        code: 'E_MATERIAL_WRITE',
        message: `the certificate material cannot be written below ${place}`,
        hint: 'Check that the directory has room and that the runner may write to it.',
        cause,
    });
}
/**
 * Removes a directory that an earlier step made. Only a real directory with our name pattern, of this user, directly in
 * one of the two places: the path comes back from the runner's state, and a wrong one must not delete anything else.
 * Returns whether it is gone.
 */
function removeMaterial(directory, { tmpfs, temp }) {
    const parent = node_path__WEBPACK_IMPORTED_MODULE_1__.dirname(directory);
    const name = node_path__WEBPACK_IMPORTED_MODULE_1__.basename(directory);
    const places = [tmpfs, temp === '' ? undefined : node_path__WEBPACK_IMPORTED_MODULE_1__.resolve(temp)];
    // Exactly as it was made: a slash at the end would follow a link.
    if (!places.includes(parent) || !NAME_PATTERN.test(name) || directory !== node_path__WEBPACK_IMPORTED_MODULE_1__.join(parent, name))
        return false;
    if (!isOurDirectory(directory))
        return !exists(directory);
    // A directory that was made unreadable cannot be emptied.
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chmodSync)(directory, 0o700);
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(directory, { recursive: true, force: true });
    return true;
}
function isOurDirectory(directory) {
    try {
        const status = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(directory);
        return status.isDirectory() && (process.getuid === undefined || status.uid === process.getuid());
    }
    catch {
        return false;
    }
}
function exists(file) {
    try {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(file);
        return true;
    }
    catch {
        return false;
    }
}
/**
 * Removes what killed runs left on the tmpfs: directories of this user, boot and pid namespace whose owner is known to be
 * gone. Where the owner cannot be known nothing is touched: it may belong to a job that runs now. Never throws: what
 * cannot be removed stays for the next run. Returns how many are gone.
 */
function sweep(tmpfs, owner) {
    const abandoned = namesIn(tmpfs).filter((name) => isAbandoned(name, owner));
    return abandoned.filter((name) => {
        try {
            return removeMaterial(node_path__WEBPACK_IMPORTED_MODULE_1__.join(tmpfs, name), { tmpfs, temp: '' });
        }
        catch {
            // Another run sweeps at the same moment.
            return false;
        }
    }).length;
}
function namesIn(directory) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readdirSync)(directory);
    }
    catch {
        return [];
    }
}
function isAbandoned(name, owner) {
    const [, pid, start, bootId, pidNamespace] = NAME_PATTERN.exec(name) ?? [];
    if ([pid, start, bootId, pidNamespace].some((part) => part === undefined || part === '0'))
        return false;
    if (bootId !== owner.bootId || pidNamespace !== owner.pidNamespace)
        return false;
    const found = startOf(Number(pid));
    // Another process can have the number by now: then its start differs.
    return found === undefined ? isGone(Number(pid)) : found !== start;
}
/** /proc can hide the processes of other users (hidepid): only the kernel's "no such process" is an answer. */
function isGone(pid) {
    try {
        process.kill(pid, 0);
        return false;
    }
    catch (error) {
        return (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .errorCodeOf */ .D9)(error) === 'ESRCH';
    }
}
const FILES = { chain: 'client-cert.pem', key: 'client-key.pem', both: 'client.pem', ca: 'ca-bundle.pem' };
/** Characters: shorter lines are in too many innocent texts to be masked. */
const SHORTEST_LINE = 16;
/** When a run writes its material, and when it goes. */
class MaterialKeeper {
    #runner;
    #tmpfs = findTmpfs(process.getuid?.());
    #material;
    constructor(runner) {
        this.#runner = runner;
    }
    /** False where files can only lie on disk. */
    get inMemory() {
        return this.#tmpfs !== undefined;
    }
    /** Removes what killed runs of this machine left. */
    sweep() {
        const removed = this.#tmpfs === undefined ? 0 : sweep(this.#tmpfs, currentOwner());
        if (removed > 0)
            this.#runner.log('Swept', `removed what ${(0,_text_js__WEBPACK_IMPORTED_MODULE_3__/* .count */ .U9)(removed, 'killed run')} left on ${this.#tmpfs}`);
    }
    /**
     * Writes what is public, and only to memory. Throws E_MATERIAL_WRITE where it is `needed`: a full tmpfs does not keep
     * anybody else from publishing.
     */
    keep(certificates, needed) {
        if (certificates.chainPem === '' || this.#tmpfs === undefined)
            return;
        try {
            this.#create(this.#tmpfs, certificates);
        }
        catch (error) {
            this.remove();
            this.#material = undefined;
            if (needed || !(error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .PublishError */ .S1))
                throw error;
            this.#runner.log('Material', `${error.message}; nothing needs it in this run`);
        }
    }
    /** Writes the key too; masks it first. Without a file system in memory, to the runner's temporary directory. Throws E_MATERIAL_WRITE. */
    export(certificates, keyPem) {
        const material = this.#material ?? this.#create(this.#runner.facts.temp, certificates);
        for (const line of linesToHide(keyPem))
            this.#runner.mask(line);
        return {
            clientCert: node_path__WEBPACK_IMPORTED_MODULE_1__.join(material.directory, FILES.chain),
            clientKey: material.write(FILES.key, keyPem),
            clientPem: material.write(FILES.both, certificates.chainPem + keyPem),
            caBundle: certificates.caPem === '' ? '' : node_path__WEBPACK_IMPORTED_MODULE_1__.join(material.directory, FILES.ca),
        };
    }
    #create(base, { chainPem, caPem }) {
        const material = Material.create(node_path__WEBPACK_IMPORTED_MODULE_1__.resolve(base), currentOwner());
        this.#material = material;
        // Before anything is written: the post step must find it even when this process is killed.
        this.#runner.saveState(MATERIAL_STATE, material.directory);
        material.write(FILES.chain, chainPem);
        if (caPem !== '')
            material.write(FILES.ca, caPem);
        return material;
    }
    /** Removes everything of this run. Never throws: a run must end with its report, and the post step tries again. */
    remove() {
        if (this.#material === undefined)
            return;
        const { directory } = this.#material;
        try {
            if (removeMaterial(directory, { tmpfs: this.#tmpfs, temp: this.#runner.facts.temp }))
                return;
            this.#runner.log('Material', `${directory} is not removed: it is no longer the directory that was made`);
        }
        catch (error) {
            this.#runner.log('Material', `${directory} is not removed (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .errorCodeOf */ .D9)(error) ?? 'unknown error'})`);
        }
    }
}
/** The base64 of a key, line by line and as one: never the BEGIN and END lines, nor a last line too short to be a secret. */
function linesToHide(keyPem) {
    const body = keyPem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
    return [body.join(''), ...body].filter((line) => line.length >= SHORTEST_LINE);
}


/***/ }),

/***/ 6120:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  Yz: () => (/* binding */ debug),
  z3: () => (/* binding */ error),
  Gu: () => (/* binding */ getState),
  pq: () => (/* binding */ info),
  lm: () => (/* binding */ notice),
  LZ: () => (/* binding */ saveState),
  uH: () => (/* binding */ setOutput),
  Pq: () => (/* binding */ setSecret),
  $e: () => (/* binding */ warning)
});

// UNUSED EXPORTS: ExitCode, addPath, endGroup, exportVariable, getBooleanInput, getIDToken, getInput, getMultilineInput, group, isDebug, markdownSummary, platform, setCommandEcho, setFailed, startGroup, summary, toPlatformPath, toPosixPath, toWin32Path

// EXTERNAL MODULE: external "os"
var external_os_ = __nccwpck_require__(857);
;// CONCATENATED MODULE: ./lib/node_modules/@actions/core/lib/utils.js
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */
/**
 * Sanitizes an input into a string so it can be passed into issueCommand safely
 * @param input input to sanitize into a string
 */
function utils_toCommandValue(input) {
    if (input === null || input === undefined) {
        return '';
    }
    else if (typeof input === 'string' || input instanceof String) {
        return input;
    }
    return JSON.stringify(input);
}
/**
 *
 * @param annotationProperties
 * @returns The command properties to send with the actual annotation command
 * See IssueCommandProperties: https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs#L646
 */
function toCommandProperties(annotationProperties) {
    if (!Object.keys(annotationProperties).length) {
        return {};
    }
    return {
        title: annotationProperties.title,
        file: annotationProperties.file,
        line: annotationProperties.startLine,
        endLine: annotationProperties.endLine,
        col: annotationProperties.startColumn,
        endColumn: annotationProperties.endColumn
    };
}
//# sourceMappingURL=utils.js.map
;// CONCATENATED MODULE: ./lib/node_modules/@actions/core/lib/command.js


/**
 * Issues a command to the GitHub Actions runner
 *
 * @param command - The command name to issue
 * @param properties - Additional properties for the command (key-value pairs)
 * @param message - The message to include with the command
 * @remarks
 * This function outputs a specially formatted string to stdout that the Actions
 * runner interprets as a command. These commands can control workflow behavior,
 * set outputs, create annotations, mask values, and more.
 *
 * Command Format:
 *   ::name key=value,key=value::message
 *
 * @example
 * ```typescript
 * // Issue a warning annotation
 * issueCommand('warning', {}, 'This is a warning message');
 * // Output: ::warning::This is a warning message
 *
 * // Set an environment variable
 * issueCommand('set-env', { name: 'MY_VAR' }, 'some value');
 * // Output: ::set-env name=MY_VAR::some value
 *
 * // Add a secret mask
 * issueCommand('add-mask', {}, 'secretValue123');
 * // Output: ::add-mask::secretValue123
 * ```
 *
 * @internal
 * This is an internal utility function that powers the public API functions
 * such as setSecret, warning, error, and exportVariable.
 */
function command_issueCommand(command, properties, message) {
    const cmd = new Command(command, properties, message);
    process.stdout.write(cmd.toString() + external_os_.EOL);
}
function command_issue(name, message = '') {
    command_issueCommand(name, {}, message);
}
const CMD_STRING = '::';
class Command {
    constructor(command, properties, message) {
        if (!command) {
            command = 'missing.command';
        }
        this.command = command;
        this.properties = properties;
        this.message = message;
    }
    toString() {
        let cmdStr = CMD_STRING + this.command;
        if (this.properties && Object.keys(this.properties).length > 0) {
            cmdStr += ' ';
            let first = true;
            for (const key in this.properties) {
                if (this.properties.hasOwnProperty(key)) {
                    const val = this.properties[key];
                    if (val) {
                        if (first) {
                            first = false;
                        }
                        else {
                            cmdStr += ',';
                        }
                        cmdStr += `${key}=${escapeProperty(val)}`;
                    }
                }
            }
        }
        cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
        return cmdStr;
    }
}
function escapeData(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A');
}
function escapeProperty(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A')
        .replace(/:/g, '%3A')
        .replace(/,/g, '%2C');
}
//# sourceMappingURL=command.js.map
// EXTERNAL MODULE: external "crypto"
var external_crypto_ = __nccwpck_require__(6982);
// EXTERNAL MODULE: external "fs"
var external_fs_ = __nccwpck_require__(9896);
;// CONCATENATED MODULE: ./lib/node_modules/@actions/core/lib/file-command.js
// For internal use, subject to change.
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */




function file_command_issueFileCommand(command, message) {
    const filePath = process.env[`GITHUB_${command}`];
    if (!filePath) {
        throw new Error(`Unable to find environment variable for file command ${command}`);
    }
    if (!external_fs_.existsSync(filePath)) {
        throw new Error(`Missing file at path: ${filePath}`);
    }
    external_fs_.appendFileSync(filePath, `${utils_toCommandValue(message)}${external_os_.EOL}`, {
        encoding: 'utf8'
    });
}
function file_command_prepareKeyValueMessage(key, value) {
    const delimiter = `ghadelimiter_${external_crypto_.randomUUID()}`;
    const convertedValue = utils_toCommandValue(value);
    // These should realistically never happen, but just in case someone finds a
    // way to exploit uuid generation let's not allow keys or values that contain
    // the delimiter.
    if (key.includes(delimiter)) {
        throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
    }
    if (convertedValue.includes(delimiter)) {
        throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
    }
    return `${key}<<${delimiter}${external_os_.EOL}${convertedValue}${external_os_.EOL}${delimiter}`;
}
//# sourceMappingURL=file-command.js.map
// EXTERNAL MODULE: external "path"
var external_path_ = __nccwpck_require__(6928);
;// CONCATENATED MODULE: ./lib/node_modules/@actions/core/lib/core.js
var __awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};






/**
 * The code to exit an action
 */
var ExitCode;
(function (ExitCode) {
    /**
     * A code indicating that the action was successful
     */
    ExitCode[ExitCode["Success"] = 0] = "Success";
    /**
     * A code indicating that the action was a failure
     */
    ExitCode[ExitCode["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
//-----------------------------------------------------------------------
// Variables
//-----------------------------------------------------------------------
/**
 * Sets env variable for this action and future actions in the job
 * @param name the name of the variable to set
 * @param val the value of the variable. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function exportVariable(name, val) {
    const convertedVal = toCommandValue(val);
    process.env[name] = convertedVal;
    const filePath = process.env['GITHUB_ENV'] || '';
    if (filePath) {
        return issueFileCommand('ENV', prepareKeyValueMessage(name, val));
    }
    issueCommand('set-env', { name }, convertedVal);
}
/**
 * Registers a secret which will get masked from logs
 *
 * @param secret - Value of the secret to be masked
 * @remarks
 * This function instructs the Actions runner to mask the specified value in any
 * logs produced during the workflow run. Once registered, the secret value will
 * be replaced with asterisks (***) whenever it appears in console output, logs,
 * or error messages.
 *
 * This is useful for protecting sensitive information such as:
 * - API keys
 * - Access tokens
 * - Authentication credentials
 * - URL parameters containing signatures (SAS tokens)
 *
 * Note that masking only affects future logs; any previous appearances of the
 * secret in logs before calling this function will remain unmasked.
 *
 * @example
 * ```typescript
 * // Register an API token as a secret
 * const apiToken = "abc123xyz456";
 * setSecret(apiToken);
 *
 * // Now any logs containing this value will show *** instead
 * console.log(`Using token: ${apiToken}`); // Outputs: "Using token: ***"
 * ```
 */
function setSecret(secret) {
    command_issueCommand('add-mask', {}, secret);
}
/**
 * Prepends inputPath to the PATH (for this action and future actions)
 * @param inputPath
 */
function addPath(inputPath) {
    const filePath = process.env['GITHUB_PATH'] || '';
    if (filePath) {
        issueFileCommand('PATH', inputPath);
    }
    else {
        issueCommand('add-path', {}, inputPath);
    }
    process.env['PATH'] = `${inputPath}${path.delimiter}${process.env['PATH']}`;
}
/**
 * Gets the value of an input.
 * Unless trimWhitespace is set to false in InputOptions, the value is also trimmed.
 * Returns an empty string if the value is not defined.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string
 */
function getInput(name, options) {
    const val = process.env[`INPUT_${name.replace(/ /g, '_').toUpperCase()}`] || '';
    if (options && options.required && !val) {
        throw new Error(`Input required and not supplied: ${name}`);
    }
    if (options && options.trimWhitespace === false) {
        return val;
    }
    return val.trim();
}
/**
 * Gets the values of an multiline input.  Each value is also trimmed.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string[]
 *
 */
function getMultilineInput(name, options) {
    const inputs = getInput(name, options)
        .split('\n')
        .filter(x => x !== '');
    if (options && options.trimWhitespace === false) {
        return inputs;
    }
    return inputs.map(input => input.trim());
}
/**
 * Gets the input value of the boolean type in the YAML 1.2 "core schema" specification.
 * Support boolean input list: `true | True | TRUE | false | False | FALSE` .
 * The return value is also in boolean type.
 * ref: https://yaml.org/spec/1.2/spec.html#id2804923
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   boolean
 */
function getBooleanInput(name, options) {
    const trueValue = ['true', 'True', 'TRUE'];
    const falseValue = ['false', 'False', 'FALSE'];
    const val = getInput(name, options);
    if (trueValue.includes(val))
        return true;
    if (falseValue.includes(val))
        return false;
    throw new TypeError(`Input does not meet YAML 1.2 "Core Schema" specification: ${name}\n` +
        `Support boolean input list: \`true | True | TRUE | false | False | FALSE\``);
}
/**
 * Sets the value of an output.
 *
 * @param     name     name of the output to set
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function setOutput(name, value) {
    const filePath = process.env['GITHUB_OUTPUT'] || '';
    if (filePath) {
        return file_command_issueFileCommand('OUTPUT', file_command_prepareKeyValueMessage(name, value));
    }
    process.stdout.write(external_os_.EOL);
    command_issueCommand('set-output', { name }, utils_toCommandValue(value));
}
/**
 * Enables or disables the echoing of commands into stdout for the rest of the step.
 * Echoing is disabled by default if ACTIONS_STEP_DEBUG is not set.
 *
 */
function setCommandEcho(enabled) {
    issue('echo', enabled ? 'on' : 'off');
}
//-----------------------------------------------------------------------
// Results
//-----------------------------------------------------------------------
/**
 * Sets the action status to failed.
 * When the action exits it will be with an exit code of 1
 * @param message add error issue message
 */
function setFailed(message) {
    process.exitCode = ExitCode.Failure;
    error(message);
}
//-----------------------------------------------------------------------
// Logging Commands
//-----------------------------------------------------------------------
/**
 * Gets whether Actions Step Debug is on or not
 */
function isDebug() {
    return process.env['RUNNER_DEBUG'] === '1';
}
/**
 * Writes debug message to user log
 * @param message debug message
 */
function debug(message) {
    command_issueCommand('debug', {}, message);
}
/**
 * Adds an error issue
 * @param message error issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function error(message, properties = {}) {
    command_issueCommand('error', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a warning issue
 * @param message warning issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function warning(message, properties = {}) {
    command_issueCommand('warning', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a notice issue
 * @param message notice issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function notice(message, properties = {}) {
    command_issueCommand('notice', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Writes info to log with console.log.
 * @param message info message
 */
function info(message) {
    process.stdout.write(message + external_os_.EOL);
}
/**
 * Begin an output group.
 *
 * Output until the next `groupEnd` will be foldable in this group
 *
 * @param name The name of the output group
 */
function startGroup(name) {
    issue('group', name);
}
/**
 * End an output group.
 */
function endGroup() {
    issue('endgroup');
}
/**
 * Wrap an asynchronous function call in a group.
 *
 * Returns the same type as the function itself.
 *
 * @param name The name of the group
 * @param fn The function to wrap in the group
 */
function group(name, fn) {
    return __awaiter(this, void 0, void 0, function* () {
        startGroup(name);
        let result;
        try {
            result = yield fn();
        }
        finally {
            endGroup();
        }
        return result;
    });
}
//-----------------------------------------------------------------------
// Wrapper action state
//-----------------------------------------------------------------------
/**
 * Saves state for current action, the state can only be retrieved by this action's post job execution.
 *
 * @param     name     name of the state to store
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function saveState(name, value) {
    const filePath = process.env['GITHUB_STATE'] || '';
    if (filePath) {
        return file_command_issueFileCommand('STATE', file_command_prepareKeyValueMessage(name, value));
    }
    command_issueCommand('save-state', { name }, utils_toCommandValue(value));
}
/**
 * Gets the value of an state set by this action's main execution.
 *
 * @param     name     name of the state to get
 * @returns   string
 */
function getState(name) {
    return process.env[`STATE_${name}`] || '';
}
function getIDToken(aud) {
    return __awaiter(this, void 0, void 0, function* () {
        return yield OidcClient.getIDToken(aud);
    });
}
/**
 * Summary exports
 */

/**
 * @deprecated use core.summary
 */

/**
 * Path exports
 */

/**
 * Platform utilities exports
 */

//# sourceMappingURL=core.js.map

/***/ }),

/***/ 9383:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   _6: () => (/* binding */ isHtml),
/* harmony export */   gB: () => (/* binding */ MAX_ANSWER_BYTES),
/* harmony export */   yy: () => (/* binding */ answerText)
/* harmony export */ });
/* harmony import */ var node_zlib__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8522);

/** Bytes of an answer that are read, before and after decoding: more is not needed to say what a server means. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** The text of an answer's body, of which the first bytes count. */
function answerText(body, headers) {
    return decoded(body.subarray(0, MAX_ANSWER_BYTES), headers.get('content-encoding') ?? 'identity').toString('utf8');
}
function isHtml({ headers, text }) {
    const type = headers.get('content-type') ?? '';
    return type === '' ? /^\s*<(?:!doctype|html)/i.test(text) : /\bhtml\b/i.test(type);
}
const DECODERS = new Map([
    ['gzip', node_zlib__WEBPACK_IMPORTED_MODULE_0__.gunzipSync],
    ['x-gzip', node_zlib__WEBPACK_IMPORTED_MODULE_0__.gunzipSync],
    ['deflate', node_zlib__WEBPACK_IMPORTED_MODULE_0__.inflateSync],
    ['br', node_zlib__WEBPACK_IMPORTED_MODULE_0__.brotliDecompressSync],
    ['identity', (bytes) => bytes],
]);
/** Some fronts compress although nobody asked. What cannot be decoded within the limit (a bomb) counts as no text. */
function decoded(bytes, encoding) {
    const decode = DECODERS.get(encoding.trim().toLowerCase());
    if (decode === undefined || bytes.length === 0)
        return Buffer.alloc(0);
    try {
        return decode(bytes, { maxOutputLength: MAX_ANSWER_BYTES });
    }
    catch {
        return Buffer.alloc(0);
    }
}


/***/ }),

/***/ 2386:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   u: () => (/* binding */ blockPageOf)
/* harmony export */ });
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8804);

/** Words of the pages that these products send unless somebody wrote others. */
const MARKS = [
    {
        product: 'F5',
        words: [/requested URL was rejected\. Please consult with your administrator/i],
        incident: /(support ID) is:?\s*(?:<[^>]{0,99}>\s*){0,9}(\d{6,30})/i,
    },
    {
        product: 'Cloudflare',
        words: [/cloudflare/i, /you have been blocked|\bcf-error-details\b|\baccess denied\b/i],
        incident: /(Ray ID):?\s*(?:<[^>]{0,99}>\s*){0,9}([0-9a-f]{16})/i,
    },
    { product: 'Cloudflare', words: [/^error code: 1\d{3}\s*$/] },
    {
        product: 'Imperva',
        words: [/Incapsula incident ID|_Incapsula_Resource/i],
        incident: /(incident ID):?\s*([\d-]{6,60})/i,
    },
    {
        product: 'Akamai',
        words: [/Access Denied/i, /edgesuite\.net|Reference(?:\s|&#32;){0,9}(?:#|&#35;)\d+\.[0-9a-f]/i],
        incident: /(Reference)(?:\s|&#32;){0,9}(?:#|&#35;)(\d+\.[0-9a-f.]{6,60})/i,
    },
    { product: 'FortiWeb', words: [/Web Page Blocked!/i], incident: /(attack ID):?\s*(\d{4,20})/i },
    {
        product: 'Azure',
        words: [/^\s*The request is blocked\.|<title>The request is blocked|Microsoft-Azure-Application-Gateway/i],
    },
    { product: 'ModSecurity', words: [/generated by Mod_?Security/i] },
];
/** Statuses of such pages. The same products have pages for 502 and the like in the same dress. */
const STATUSES = new Set([200, 201, 400, 403, 405, 406, 418]);
/** Such a page comes with 200 too (F5), and must not count as a success. Undefined: the answer looks like none. */
function blockPageOf({ status, text }, secrets) {
    if (text === '' || !STATUSES.has(status))
        return undefined;
    const said = (0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text, secrets);
    const mark = MARKS.find(({ words }) => words.every((one) => one.test(said)));
    if (mark === undefined)
        return undefined;
    const [, name, number] = mark.incident?.exec(said) ?? [];
    const incident = number === undefined ? undefined : (0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .printable */ .g$)(`${name} ${number}`, 100);
    return { product: mark.product, incident };
}


/***/ }),

/***/ 1588:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Ah: () => (/* binding */ Silence),
/* harmony export */   Ho: () => (/* binding */ connectionFree),
/* harmony export */   bE: () => (/* binding */ post),
/* harmony export */   tt: () => (/* binding */ firstValues)
/* harmony export */ });
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8500);
/* harmony import */ var _answer_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9383);


/** Nothing moved for so long; `limit` in milliseconds. */
class Silence extends Error {
    limit;
    constructor(limit) {
        super(`nothing moved for ${limit} ms`);
        this.name = 'Silence';
        this.limit = limit;
    }
}
/**
 * Sends a form and waits for the answer, with no redirect and no second try. An answer that comes while the form is
 * still being sent counts, even when the connection breaks right behind it. Faults are part of the result.
 *
 * @throws the signal's reason when it is aborted, at once
 */
async function post(request, signal) {
    await connectionFree();
    signal.throwIfAborted();
    const { url, headers, form } = request;
    const conversation = new Conversation(request, signal);
    const body = conversation.body();
    if (body === undefined)
        return await conversation.end;
    const dispatcher = request.dispatcher;
    const options = {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: {
            ...headers,
            'content-type': form.contentType,
            'content-length': String(form.contentLength),
            'accept-encoding': 'identity',
        },
        body,
        // The watch below counts both directions; undici's own would end a slow upload whose last bytes are in the kernel.
        headersTimeout: 0,
        bodyTimeout: 0,
    };
    dispatcher.dispatch(options, conversation);
    return await conversation.end;
}
/**
 * A connection is free again one turn of the event loop after its answer (undici): a request that comes before opens
 * another one, with a handshake that nobody needs.
 */
async function connectionFree() {
    await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_0__.setImmediate)();
}
/** undici's side of one exchange, and the watch over it. Settled once; what comes later is ignored. */
class Conversation {
    end;
    #request;
    #signal;
    #resolve;
    #reject;
    #chunks = [];
    #received = 0;
    #whole;
    #sent = 0;
    #head;
    #controller;
    #timer;
    /** Whether the time runs for the rest of the exchange and not for the next chunk. */
    #lastWait = false;
    #settled = false;
    #onAnswer = () => { };
    constructor(request, signal) {
        const { promise, resolve, reject } = Promise.withResolvers();
        this.end = promise;
        this.#resolve = resolve;
        this.#reject = reject;
        this.#request = request;
        this.#signal = signal;
        signal.addEventListener('abort', this.#cancel);
    }
    /**
     * What undici sends. A form that fits into one buffer goes as a whole: one write, where chunks are three or more.
     * Undefined: the file could not be read, and the exchange has ended.
     */
    body() {
        const { form, ring, holdBackMs } = this.#request;
        const [buffer] = ring ?? [];
        if (buffer === undefined || holdBackMs > 0)
            return this.#chunksOf();
        try {
            this.#whole = form.whole(buffer);
            return this.#whole ?? this.#chunksOf();
        }
        catch (error) {
            this.#finish(error);
            return undefined;
        }
    }
    /** undici asks for the next chunk when the connection has taken the one before: that is the progress of the upload. */
    async *#chunksOf() {
        const { form, ring, onSent, holdBackMs } = this.#request;
        for await (const chunk of form.body(this.#signal, ring)) {
            const isFirst = this.#sent === 0;
            this.#sent += chunk.length;
            onSent?.(chunk.length);
            this.#moved();
            yield chunk;
            if (isFirst && holdBackMs > 0)
                await this.#answerWithin(holdBackMs);
        }
    }
    /** Resolves when an answer begins or the exchange ends, and after `limit` milliseconds at the latest. */
    async #answerWithin(limit) {
        if (this.#settled || this.#head !== undefined)
            return;
        const { promise, resolve } = Promise.withResolvers();
        const timer = setTimeout(resolve, limit);
        this.#onAnswer = resolve;
        await promise;
        clearTimeout(timer);
    }
    onRequestStart(controller) {
        this.#controller = controller;
        if (this.#settled) {
            controller.abort(new Error('the request was given up before it began'));
            return;
        }
        if (this.#whole !== undefined) {
            this.#sent = this.#whole.length;
            this.#request.onSent?.(this.#sent);
        }
        this.#moved();
    }
    onResponseStart(_controller, status, headers, reason = '') {
        // 1xx is no answer yet.
        if (status < 200)
            return;
        this.#moved();
        this.#lastWait = true;
        this.#head = { status, reason, headers: firstValues(headers) };
        this.#onAnswer();
    }
    onResponseData(_controller, chunk) {
        this.#received += chunk.length;
        this.#chunks.push(chunk);
        if (this.#received >= _answer_js__WEBPACK_IMPORTED_MODULE_1__/* .MAX_ANSWER_BYTES */ .gB)
            this.#give(undefined);
    }
    onResponseEnd() {
        this.#finish(undefined);
    }
    onResponseError(_controller, error) {
        this.#finish(error);
    }
    /** Something moved: the time begins anew, unless it is the one time for all of the answer. */
    #moved() {
        if (this.#settled || this.#lastWait)
            return;
        this.#lastWait = this.#sent === this.#request.form.contentLength;
        clearTimeout(this.#timer);
        const { idleTimeoutMs } = this.#request;
        this.#timer = setTimeout(() => this.#give(new Silence(idleTimeoutMs)), idleTimeoutMs);
    }
    #cancel = () => {
        this.#stop();
        this.#reject(this.#signal.reason);
        this.#hangUp();
    };
    #give(error) {
        this.#finish(error);
        this.#hangUp();
    }
    #hangUp() {
        this.#controller?.abort(new Error('the exchange is over'));
    }
    #finish(error) {
        if (this.#settled)
            return;
        this.#stop();
        const answer = this.#head && { ...this.#head, text: (0,_answer_js__WEBPACK_IMPORTED_MODULE_1__/* .answerText */ .yy)(Buffer.concat(this.#chunks), this.#head.headers) };
        this.#resolve({ answer, error, started: this.#controller !== undefined, sent: this.#sent });
    }
    #stop() {
        this.#settled = true;
        this.#onAnswer();
        clearTimeout(this.#timer);
        this.#signal.removeEventListener('abort', this.#cancel);
    }
}
/** Header fields by their names in lower case; of one that came twice the first value. */
function firstValues(headers) {
    const values = new Map();
    for (const [name, value] of Object.entries(headers)) {
        const [first] = typeof value === 'string' ? [value] : (value ?? []);
        if (first !== undefined)
            values.set(name.toLowerCase(), first);
    }
    return values;
}


/***/ }),

/***/ 6878:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  FZ: () => (/* binding */ asksToLogIn),
  X3: () => (/* binding */ clientCertificate),
  iJ: () => (/* binding */ explainAnswer)
});

// EXTERNAL MODULE: ./lib/errors.js
var errors = __nccwpck_require__(452);
// EXTERNAL MODULE: ./lib/text.js
var lib_text = __nccwpck_require__(8804);
// EXTERNAL MODULE: ./lib/package-index/answer.js
var package_index_answer = __nccwpck_require__(9383);
// EXTERNAL MODULE: ./lib/package-index/block-page.js
var block_page = __nccwpck_require__(2386);
// EXTERNAL MODULE: ./lib/package-index/server-table.js
var server_table = __nccwpck_require__(5295);
;// CONCATENATED MODULE: ./lib/package-index/exists.js

/** Words that many servers have in common. */
const COMMON_WORDS = /already exist|exists? already/;
const COMMON_STATUSES = new Set([400, 412, 422]);
/** A refusal for the permission that speaks of a file, and not of a project or a user that exists already. */
const FILE_WORDS = /\bfile\b.{0,300} (?:already exists|exists already)/;
/** A 409 that is about something else: a project's name (PyPI), a policy of the repository (Artifactory), a deleted version. */
const OTHER_CONFLICT = /existing project|rejected the|\bdeleted\b/;
/**
 * Whether a refusal means that the index has a file of this name. The number alone never says it, but for a 409 that is
 * not about anything else.
 *
 * @param haystack everything that the server said, in lower case
 */
function meansExists({ status }, haystack) {
    if (server_table/* SERVERS */.Vp.some(({ exists }) => exists?.statuses.includes(status) && exists.words.test(haystack)))
        return true;
    if (status === 403)
        return FILE_WORDS.test(haystack);
    if (status === 409)
        return !OTHER_CONFLICT.test(haystack);
    return COMMON_STATUSES.has(status) && COMMON_WORDS.test(haystack);
}

// EXTERNAL MODULE: ./lib/package-index/known-server.js
var known_server = __nccwpck_require__(4544);
// EXTERNAL MODULE: ./lib/package-index/redirect.js
var redirect = __nccwpck_require__(9917);
// EXTERNAL MODULE: ./lib/package-index/retry-after.js
var retry_after = __nccwpck_require__(2200);
// EXTERNAL MODULE: ./lib/package-index/server-words.js
var server_words = __nccwpck_require__(9094);
// EXTERNAL MODULE: ./lib/package-index/upload-url.js
var upload_url = __nccwpck_require__(9048);
;// CONCATENATED MODULE: ./lib/package-index/explain.js










/** What the answer to a complete upload means. Every answer but a plain success becomes a problem that quotes it. */
function explainAnswer(answer, sending) {
    const number = (0,server_words/* requestNumber */.F)(answer, sending.secrets);
    const incident = (0,block_page/* blockPageOf */.u)(answer, sending.secrets)?.incident;
    const numbers = [incident, number].filter((one) => one !== undefined).join(', ');
    const verdict = meaningOf(answer, sending, number);
    return numbers === '' ? verdict : { ...verdict, requestNumber: numbers };
}
function meaningOf(answer, sending, number) {
    const words = (0,server_words/* wordsOf */.Z)(answer, sending.secrets);
    const said = `the index answered ${words.sentence}${number === undefined ? '' : ` (${number})`}`;
    const waitMs = (0,retry_after/* retryAfterMs */.Vs)(answer, sending.now);
    const situation = { ...sending, answer, words, said, waitMs };
    const blocked = blockPage(situation);
    if (blocked !== undefined)
        return blocked;
    if (answer.status < 300) {
        if (asksToLogIn(answer))
            return loginPage(`${said}, which is a page to log in`);
        if (isSimpleIndex(answer, sending.url))
            return storedNothing(situation);
        return { outcome: 'published', problem: undefined, ends: 'file' };
    }
    if (answer.status < 400)
        return redirected(situation);
    return clientCertificate(situation) ?? exists(situation) ?? byStatus(situation);
}
function rejected(ends, code, message, hint) {
    return { outcome: 'rejected', problem: new errors/* PublishError */.S1({ code, message, hint }), ends };
}
/** A firewall in front judges the request: by its path, its sender, or the bytes of the file. */
function blockPage({ answer, said, secrets }) {
    const page = (0,block_page/* blockPageOf */.u)(answer, secrets);
    if (page === undefined)
        return undefined;
    const { product, incident } = page;
    const verdict = rejected(answer.status === 403 ? 'project' : 'file', 'E_HTTP_BLOCKED', `a firewall in front of the index blocked the upload, and the index never saw it (it looks like a page of ${product}): ${said.replace('the index', 'it')}`, `Ask the team that runs it which rule it was${incident === undefined ? '' : ` (${incident})`}: a client certificate that is not let in, the size or the bytes of a file, or a client without a browser.`);
    return answer.status === 403 ? { ...verdict, doubtsCertificate: true } : verdict;
}
/** A field for a password, or the form that carries a request to an identity provider (SAML). */
function asksToLogIn(answer) {
    if (!(0,package_index_answer/* isHtml */._6)(answer))
        return false;
    return /type\s?=\s?["']?password\b|name\s?=\s?["']?SAMLRequest\b/i.test(answer.text);
}
function loginPage(found) {
    return rejected('run', 'E_HTTP_LOGIN_PAGE', `expected the index and found a login: ${found}`, 'Something in front of the index asks people to log in (single sign-on); ask the team that runs it for an upload URL that a client certificate or a token opens.');
}
function redirected({ answer, words, said, url, secrets }) {
    const target = (0,redirect/* redirectTarget */.ET)(answer, url);
    if (target === undefined)
        return rejected('run', 'E_HTTP_REDIRECT', said, (0,upload_url/* uploadUrlHint */.C)(url));
    const shown = (0,lib_text/* printable */.g$)((0,lib_text/* redact */.E$)((0,lib_text/* shownUrl */.zA)(target), secrets), 200);
    const pointer = `the index answered ${words.status} and points to ${shown}`;
    if ((0,redirect/* leadsToLogin */.yP)(target, url))
        return loginPage(pointer);
    const hint = target.origin === url.origin
        ? `If that is where the index takes uploads, write it as repository-url: ${shown}`
        : 'Nothing was sent there; give the upload URL of the index itself as repository-url.';
    return rejected('run', 'E_HTTP_REDIRECT', `${pointer}, and an upload goes to repository-url alone`, hint);
}
const REQUIRED_HINT = 'Check that client-cert has the certificate for this index, and that nothing between here and the index ends TLS (a proxy that inspects sends no client certificate).';
/** Fronts that let every handshake pass and judge the certificate in HTTP. */
function clientCertificate(situation) {
    const { answer, words, said, certificateSubject } = situation;
    const { haystack } = words;
    const { status } = answer;
    if (haystack.includes('post-handshake authentication')) {
        return rejected('run', 'E_HTTP_CLIENT_CERT_REQUIRED', `${said}: the server asks for the client certificate by path, which no client of this kind can answer in TLS 1.3`, 'Set tls-max-version: 1.2, or have SSLVerifyClient moved to the virtual host.');
    }
    if (status === 496 || haystack.includes('no required ssl certificate was sent')) {
        return rejected('run', 'E_HTTP_CLIENT_CERT_REQUIRED', `${said}: no client certificate reached it`, REQUIRED_HINT);
    }
    if (status === 495 || haystack.includes('the ssl certificate error')) {
        const who = certificateSubject === undefined ? 'the client certificate' : `the client certificate ${certificateSubject}`;
        const verdict = rejected('run', 'E_HTTP_CLIENT_CERT_REFUSED', `${said}: it refuses ${who}, and such a server never says why`, 'Compare with the CAs that the server trusts for clients: an unknown issuer, a missing intermediate, dates, revocation and a purpose other than clientAuth all end so; its error log has the reason.');
        return { ...verdict, doubtsCertificate: true };
    }
    return undefined;
}
function exists({ answer, words: { haystack }, said }) {
    if (!meansExists(answer, haystack))
        return undefined;
    const verdict = rejected('file', 'E_HTTP_EXISTS', `the index has a file of this name: ${said.replace('the index', 'it')}`, 'Compare the digest on the index with that of this file: the same bytes are published already; other bytes need a new version.');
    return { ...verdict, exists: true };
}
function byStatus(situation) {
    const { answer, said, words } = situation;
    const { status } = answer;
    if (status === 401)
        return unauthorized(situation);
    if (isWrongPlace(situation))
        return rejected('run', 'E_HTTP_NOT_FOUND', said, placeHint(situation));
    if (status === 403)
        return forbidden(situation);
    if (status === 404)
        return explain_hidden(situation);
    if (status === 413 || /file (?:is )?too large/.test(words.haystack))
        return tooLarge(situation);
    if (status === 421)
        return misdirected(situation);
    if (status === 429)
        return tooMany(situation);
    if (status >= 500 || status === 408 || status === 425)
        return serverError(situation);
    const hint = /previously used by a file/.test(words.haystack)
        ? 'An index of this kind never takes the name of a deleted file again: build a new version.'
        : 'The words are those of the index; what they ask for has to be mended.';
    return rejected('file', 'E_HTTP_REJECTED', said, hint);
}
/** A page of the simple index in answer to an upload: the server took it for a question. devpi answers so at /+simple/. */
function isSimpleIndex(answer, { pathname }) {
    if (/\/\+simple\/?$/.test(pathname))
        return true;
    if (/\bvnd\.pypi\.simple\b/i.test(answer.headers.get('content-type') ?? ''))
        return true;
    return ((0,package_index_answer/* isHtml */._6)(answer) &&
        /name\s?=\s?["']?pypi:repository-version|<title>\s?(?:simple index|links for) ?/i.test(answer.text));
}
function storedNothing(situation) {
    const message = `${situation.said}, which is a page of the simple index: nothing was stored`;
    return rejected('run', 'E_HTTP_NOT_FOUND', message, placeHint(situation));
}
function placeHint({ answer, url }) {
    return (0,upload_url/* uploadUrlHint */.C)(url, (0,known_server/* entryFor */.cy)(answer, url));
}
/** What Nexus says of a URL without its final slash, devpi of one that takes no forms, Artifactory of a virtual repository. */
const WRONG_PLACE = /must have another '\/' after|could not decode json|default deployment repository/;
/** 405: no POST here; 415: none with a form (Artifactory's /simple). 404 is for `hidden` to judge. */
function isWrongPlace({ answer: { status }, words: { haystack } }) {
    return status === 405 || status === 415 || (status < 500 && WRONG_PLACE.test(haystack));
}
/** A 404: no upload URL, or the repository is there and Artifactory is set to hide what a user may not see. */
function explain_hidden(situation) {
    const { said, words } = situation;
    if (!words.haystack.includes('could not locate artifact')) {
        return rejected('run', 'E_HTTP_NOT_FOUND', said, placeHint(situation));
    }
    const message = acceptedAs(situation, 'the index hides what the user may not do');
    const hint = `Ask for permission to upload to the project ${situation.project}${permission(situation)}; a file of this name may be there, which the user may not replace.`;
    return rejected('project', 'E_HTTP_FORBIDDEN', message, hint);
}
/** What the server calls the right to upload, where it is known: ` (Nexus: the privilege ...)`. */
function permission(situation) {
    return inItsWords(situation, 'permission');
}
function inItsWords({ answer, url, secrets }, what) {
    const entry = (0,known_server/* entryFor */.cy)(answer, url);
    if (entry === undefined)
        return '';
    return ` (${entry.name}: ${(0,lib_text/* printable */.g$)((0,lib_text/* redact */.E$)((0,known_server/* filled */.Bq)(entry[what], entry, url), secrets), 300)})`;
}
/** Whom the server met, where the certificate cannot be the fault: it passed the handshake. */
function acceptedAs({ certificateSubject, said }, but) {
    if (certificateSubject === undefined)
        return said;
    return `the handshake was accepted as ${certificateSubject}, but ${but}: ${said}`;
}
function unauthorized(situation) {
    if (!situation.authorized) {
        const message = acceptedAs(situation, 'the index maps it to no user with upload permission');
        return rejected('run', 'E_HTTP_UNAUTHORIZED', message, anonymousHint(situation));
    }
    return rejected('run', 'E_HTTP_UNAUTHORIZED', acceptedAs(situation, 'the index does not take the credentials'), `Check user and password${inItsWords(situation, 'credentials')}: whether the token is valid still, whether it may upload (Gitea answers 401 to a token without that scope), and whether the secret has a stray character.`);
}
function forbidden(situation) {
    const { authorized, project, words } = situation;
    if (/forbidden by administrative rules|rbac: access denied/.test(words.haystack)) {
        const verdict = rejected('project', 'E_HTTP_FORBIDDEN', acceptedAs(situation, 'a rule of the front forbids the request'), 'The words are those of HAProxy or Envoy, not of the index: ask the team that runs it which rule it was; a client certificate that it does not trust is a common one.');
        return { ...verdict, doubtsCertificate: true };
    }
    if (!authorized) {
        const message = acceptedAs(situation, 'the index maps it to no user with upload permission');
        return rejected('project', 'E_HTTP_FORBIDDEN', message, anonymousHint(situation));
    }
    return rejected('project', 'E_HTTP_FORBIDDEN', acceptedAs(situation, 'the index forbids the upload'), `Ask for permission to upload to the project ${project}${permission(situation)}; several indexes also answer 403 to a wrong user or password.`);
}
function anonymousHint(situation) {
    const { certificateSubject, project } = situation;
    if (certificateSubject === undefined) {
        return `Give user and password${inItsWords(situation, 'credentials')}: nothing was sent that says who publishes.`;
    }
    return `Have the index map the certificate to a user who may upload to the project ${project}${permission(situation)}, or give user and password beside it.`;
}
function tooLarge({ answer, said, contentLength, secrets }) {
    const server = (0,lib_text/* printable */.g$)((0,lib_text/* redact */.E$)(answer.headers.get('server') ?? '', secrets), 60);
    const who = server === '' ? '' : ` (Server: ${server})`;
    return rejected('file', 'E_HTTP_TOO_LARGE', `${said}${who}, to a request of ${(0,lib_text/* formatBytes */.z3)(contentLength)}`, 'Have the limit raised, and each of several in a row: client_max_body_size of nginx, LimitRequestBody and SSLRenegBufferSize of Apache, --max-request-body-size of devpi and Waitress, the quota of the index.');
}
function misdirected({ said, url }) {
    return rejected('run', 'E_HTTP_MISDIRECTED', said, `Its TLS settings are chosen by host name, and ${url.hostname} is none that it serves here: give repository-url with the name for which clients with certificates are set up.`);
}
function tooMany({ said, waitMs, now }) {
    const verdict = rejected('file', 'E_HTTP_TOO_MANY_REQUESTS', `${said}${askedToWait(waitMs, now)}`, `What is published stays; run again ${waitMs === undefined ? 'later' : (0,retry_after/* comeBack */.Cn)(waitMs, now)}.`);
    return { ...verdict, retry: { afterMs: waitMs } };
}
function serverError({ said, answer, waitMs, now }) {
    const gateway = answer.status === 502 || answer.status === 504;
    const verdict = rejected('file', 'E_HTTP_SERVER_ERROR', `${said}${askedToWait(waitMs, now)}`, gateway
        ? "The front got no answer from the index behind it; an index that refuses while the file is still coming looks like this too, so look into the index's own log."
        : 'Run again; if it happens each time, ask the team that runs the index what its log says of this minute.');
    return RETRYABLE.has(answer.status) ? { ...verdict, retry: { afterMs: waitMs } } : verdict;
}
/** Answers to a request that may succeed later. 501 and 505 to 511 say that it never will. */
const RETRYABLE = new Set([408, 425, 500, 502, 503, 504]);
function askedToWait(waitMs, now) {
    return waitMs === undefined ? '' : `; it asks to come back ${(0,retry_after/* comeBack */.Cn)(waitMs, now)}`;
}


/***/ }),

/***/ 861:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Jt: () => (/* binding */ get),
/* harmony export */   N6: () => (/* binding */ isRedirect),
/* harmony export */   qc: () => (/* binding */ BodyLimit),
/* harmony export */   ux: () => (/* binding */ within)
/* harmony export */ });
/* harmony import */ var node_zlib__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8522);
/* harmony import */ var _answer_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9383);
/* harmony import */ var _exchange_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(1588);
/* harmony import */ var _page_fault_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(4259);
/* harmony import */ var _redirect_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(9917);





/** A body that is longer than asked for. */
class BodyLimit extends Error {
    constructor(limit) {
        super(`the body has more than ${limit} bytes`);
        this.name = 'BodyLimit';
    }
}
/** Redirects that a GET follows. */
const MOST_REDIRECTS = 5;
/**
 * Gives work a time in all, in milliseconds: a server that sends a byte now and then would hold it for ever.
 *
 * @throws Silence when the time is over, at once
 */
async function within(ms, signal, work) {
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(new _exchange_js__WEBPACK_IMPORTED_MODULE_2__/* .Silence */ .Ah(ms)), ms);
    try {
        return await work(AbortSignal.any([signal, clock.signal]));
    }
    finally {
        clearTimeout(timer);
    }
}
/**
 * One GET and at most five redirects on the same origin. Any other redirect is the answer, and so is the sixth.
 *
 * @throws BodyLimit, PageFault (a body that cannot be decoded), undici's errors, what the consumer throws, the signal's
 *   reason, at once
 */
async function get(request, signal) {
    let url = request.url;
    for (let redirects = 0;; redirects += 1) {
        const answer = await getOnce({ ...request, url }, signal);
        const target = isRedirect(answer) ? (0,_redirect_js__WEBPACK_IMPORTED_MODULE_4__/* .redirectTarget */ .ET)(answer, url) : undefined;
        const followed = target !== undefined && target.origin === url.origin && (request.follows?.(target) ?? true);
        if (!followed || redirects === MOST_REDIRECTS)
            return { answer, url };
        url = target;
    }
}
/** 300 and 304 point nowhere that a client goes by itself. */
function isRedirect({ status }) {
    return [301, 302, 303, 307, 308].includes(status);
}
async function getOnce(request, signal) {
    await (0,_exchange_js__WEBPACK_IMPORTED_MODULE_2__/* .connectionFree */ .Ho)();
    signal.throwIfAborted();
    const { url, reader, accept, encoding } = request;
    const { dispatcher, authorization, userAgent } = reader;
    const retrieval = new Retrieval(request, signal);
    dispatcher.dispatch({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'GET',
        headers: {
            accept,
            'accept-encoding': encoding,
            'cache-control': 'no-cache',
            'user-agent': userAgent,
            ...(authorization === undefined ? {} : { authorization }),
        },
        // The signal has the time for the whole of it.
        headersTimeout: 0,
        bodyTimeout: 0,
    }, retrieval);
    return await retrieval.end;
}
const CHUNK = { chunkSize: 64 * 1024 };
const DECODERS = new Map([
    ['gzip', () => (0,node_zlib__WEBPACK_IMPORTED_MODULE_0__.createGunzip)(CHUNK)],
    ['x-gzip', () => (0,node_zlib__WEBPACK_IMPORTED_MODULE_0__.createGunzip)(CHUNK)],
    ['deflate', () => (0,node_zlib__WEBPACK_IMPORTED_MODULE_0__.createInflate)(CHUNK)],
    ['br', () => (0,node_zlib__WEBPACK_IMPORTED_MODULE_0__.createBrotliDecompress)(CHUNK)],
]);
/** undici's side of one GET. Settled once; what comes later is ignored. */
class Retrieval {
    end;
    #request;
    #signal;
    #resolve;
    #reject;
    /** The first bytes of the body. */
    #start = [];
    #received = 0;
    #head;
    #consumer;
    #decoder;
    #controller;
    #settled = false;
    constructor(request, signal) {
        const { promise, resolve, reject } = Promise.withResolvers();
        this.end = promise;
        this.#resolve = resolve;
        this.#reject = reject;
        this.#request = request;
        this.#signal = signal;
        signal.addEventListener('abort', this.#cancel);
    }
    onRequestStart(controller) {
        this.#controller = controller;
        if (this.#settled)
            this.#hangUp();
    }
    onResponseStart(controller, status, headers, reason = '') {
        // 1xx is no answer yet.
        if (status < 200 || this.#settled)
            return;
        const head = { status, reason, headers: (0,_exchange_js__WEBPACK_IMPORTED_MODULE_2__/* .firstValues */ .tt)(headers) };
        this.#head = head;
        this.#attempt(() => {
            this.#consumer = this.#request.open(head, this.#request.url);
            if (this.#request.encoding === 'gzip')
                this.#decode(head, controller);
        });
    }
    onResponseData(controller, chunk) {
        if (this.#settled)
            return;
        if (this.#decoder === undefined)
            this.#take(chunk);
        else if (!this.#decoder.write(chunk))
            controller.pause();
    }
    onResponseEnd() {
        if (this.#decoder === undefined)
            this.#finish();
        else
            this.#decoder.end();
    }
    onResponseError(_controller, error) {
        this.#fail(error);
    }
    /** Some fronts compress in ways that nobody asked for. */
    #decode({ headers }, controller) {
        const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
        if (encoding === '' || encoding === 'identity')
            return;
        const create = DECODERS.get(encoding);
        if (create === undefined)
            throw new _page_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .PageFault */ .S('an encoding of the body that nobody asked for (Content-Encoding)');
        this.#decoder = create()
            .on('data', (chunk) => this.#take(chunk))
            .on('drain', () => controller.resume())
            .on('end', () => this.#finish())
            .on('error', (error) => {
            // Cut off, or no such encoding at all.
            const truncated = error.code === 'Z_BUF_ERROR';
            this.#fail(new _page_fault_js__WEBPACK_IMPORTED_MODULE_3__/* .PageFault */ .S(truncated ? 'a compressed page that is cut off' : 'a broken compressed page', truncated));
        });
    }
    #take(chunk) {
        if (this.#settled)
            return;
        if (this.#received < _answer_js__WEBPACK_IMPORTED_MODULE_1__/* .MAX_ANSWER_BYTES */ .gB)
            this.#start.push(chunk.subarray(0, _answer_js__WEBPACK_IMPORTED_MODULE_1__/* .MAX_ANSWER_BYTES */ .gB - this.#received));
        this.#received += chunk.length;
        if (this.#consumer === undefined) {
            if (this.#received >= _answer_js__WEBPACK_IMPORTED_MODULE_1__/* .MAX_ANSWER_BYTES */ .gB)
                this.#finish();
        }
        else if (this.#received > this.#request.limitBytes)
            this.#end(() => this.#reject(new BodyLimit(this.#request.limitBytes)));
        else
            this.#attempt(() => this.#consumer?.(chunk));
    }
    #attempt(step) {
        try {
            step();
        }
        catch (error) {
            this.#end(() => this.#reject(error));
        }
    }
    #cancel = () => {
        this.#end(() => this.#reject(this.#signal.reason));
    };
    #finish() {
        const head = this.#head;
        if (head === undefined)
            return;
        this.#end(() => this.#resolve({ ...head, text: Buffer.concat(this.#start).toString('utf8') }));
    }
    /** An answer that nobody reads to its end counts with what is there of it. A page that breaks off does not. */
    #fail(error) {
        if (this.#head !== undefined && this.#consumer === undefined)
            this.#finish();
        else
            this.#end(() => this.#reject(error));
    }
    #end(settle) {
        if (this.#settled)
            return;
        this.#settled = true;
        this.#signal.removeEventListener('abort', this.#cancel);
        this.#decoder?.destroy();
        settle();
        this.#hangUp();
    }
    /** undici keeps the connection of an answer that came to its end. */
    #hangUp() {
        this.#controller?.abort(new Error('the request is over'));
    }
}


/***/ }),

/***/ 4080:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   i: () => (/* binding */ DownloadBudget),
/* harmony export */   t: () => (/* binding */ fetchIndexFile)
/* harmony export */ });
/* harmony import */ var _fetch_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(861);
/* harmony import */ var _lookup_answer_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(4666);


/** Bytes of files that a run fetches from the index to compare them. */
const MOST_BYTES_A_RUN = 100_000_000;
/** What a run may still fetch, shared by all of its lookups. */
class DownloadBudget {
    #left;
    #isSlow = false;
    constructor(bytes = MOST_BYTES_A_RUN) {
        this.#left = bytes;
    }
    /** Sets bytes aside; false, and nothing is set aside, where they are no longer there. */
    reserve(bytes) {
        if (this.#isSlow || bytes > this.#left)
            return false;
        this.#left -= bytes;
        return true;
    }
    /** A file did not come in its time. Each further one would cost the run as much. */
    spendTime() {
        this.#isSlow = true;
    }
    /** Why nothing more is fetched: end of a sentence. */
    get why() {
        return this.#isSlow
            ? 'a file that was fetched to compare did not come in time'
            : 'the limit of what a run fetches to compare is reached';
    }
    /** Gives back what was set aside and not fetched. */
    giveBack(bytes) {
        this.#left += bytes;
    }
}
/**
 * Fetches a file that the index lists, from the index's own origin, as the bytes come: at most `limitBytes` are handed
 * to `onChunk`, in at most the reader's time. A length that is announced and too large ends it before the first byte.
 *
 * @throws LookupFailure; the signal's reason; what `onChunk` throws
 */
async function fetchIndexFile(url, limitBytes, reader, signal, onChunk, now = () => new Date()) {
    let bytes = 0;
    let encoded = false;
    const take = (chunk) => {
        bytes += chunk.length;
        onChunk(chunk);
    };
    const open = ({ status, headers }) => {
        if (status !== 200)
            return undefined;
        encoded = !/^(?:identity)?$/i.test(headers.get('content-encoding')?.trim() ?? '');
        if (Number(headers.get('content-length') ?? 0) > limitBytes)
            throw new _fetch_js__WEBPACK_IMPORTED_MODULE_0__/* .BodyLimit */ .qc(limitBytes);
        return take;
    };
    const request = { url, reader, accept: '*/*', encoding: 'identity', limitBytes, open };
    return await (0,_lookup_answer_js__WEBPACK_IMPORTED_MODULE_1__/* .explained */ .to)({ url, reader, now }, signal, async () => {
        try {
            const { answer, url: final } = await (0,_fetch_js__WEBPACK_IMPORTED_MODULE_0__/* .within */ .ux)(reader.idleTimeoutMs, signal, (timed) => (0,_fetch_js__WEBPACK_IMPORTED_MODULE_0__/* .get */ .Jt)(request, timed));
            if (answer.status !== 200)
                throw (0,_lookup_answer_js__WEBPACK_IMPORTED_MODULE_1__/* .answerFailure */ .Rp)(answer, { url: final, reader, now, file: true });
            return { bytes, complete: true, encoded };
        }
        catch (error) {
            if (error instanceof _fetch_js__WEBPACK_IMPORTED_MODULE_0__/* .BodyLimit */ .qc)
                return { bytes, complete: false, encoded };
            throw error;
        }
    });
}


/***/ }),

/***/ 4544:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Bq: () => (/* binding */ filled),
/* harmony export */   DO: () => (/* binding */ knownServer),
/* harmony export */   cy: () => (/* binding */ entryFor),
/* harmony export */   kr: () => (/* binding */ simpleIndexFor)
/* harmony export */ });
/* harmony import */ var _server_table_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(5295);

/**
 * The server that has URLs like this one and no other has: undefined where a URL may be that of several. A URL of such a
 * server at which it takes no uploads gives the server without a simple index.
 */
function knownServer(repositoryUrl) {
    const found = recognise(repositoryUrl);
    return found === undefined || found.shape?.ambiguous ? undefined : describe(found, repositoryUrl);
}
/**
 * The simple index for a run: `check-url`, else the one that the shape of the upload URL tells, always on its origin.
 * Undefined where `auto` finds none.
 */
function simpleIndexFor(repositoryUrl, checkUrl) {
    const found = recognise(repositoryUrl);
    const server = found && describe(found, repositoryUrl);
    if (checkUrl !== 'auto') {
        const root = directory(checkUrl);
        const same = server?.simpleRoot?.href === root.href || !found?.shape?.ambiguous;
        return { root, source: 'given', server: (same ? server : undefined) ?? readServer(root) };
    }
    if (server?.simpleRoot !== undefined) {
        return { root: server.simpleRoot, source: found?.shape?.ambiguous ? 'guessed' : 'known', server };
    }
    const root = guessedRoot(repositoryUrl);
    return root && { root, source: 'guessed', server };
}
/** The row of the table that an answer belongs to: what it says of itself, else what the URL tells for certain. */
function entryFor(answer, url) {
    const spoken = entryOf(answer);
    if (spoken !== undefined)
        return spoken;
    const found = recognise(url);
    return found?.shape?.ambiguous ? undefined : found?.entry;
}
/** A sentence of the table with its places filled from the URL; a place that the URL does not fill stays a word. */
function filled(sentence, entry, url) {
    const groups = (0,_server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .shapeOf */ .F5)(entry, url)?.upload.exec(url.pathname)?.groups ?? {};
    return sentence.replace(/\{(\w+)\}/g, (_, name) => groups[name] ?? name.toUpperCase());
}
function entryOf({ headers, reason, text }) {
    const words = `${reason}\n${text}`;
    return _server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .SERVERS */ .Vp.find(({ marks }) => {
        const speaks = Object.entries(marks.headers ?? {}).some(([name, value]) => value.test(headers.get(name) ?? ''));
        return speaks || marks.text?.test(words) === true;
    });
}
/** What a URL tells for certain comes before what it may be as well. */
function recognise(url) {
    let guess;
    for (const entry of _server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .SERVERS */ .Vp) {
        const shape = (0,_server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .shapeOf */ .F5)(entry, url);
        if (shape?.ambiguous)
            guess ??= { entry, shape };
        else if (shape !== undefined || (0,_server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .isMistake */ .VF)(entry, url))
            return { entry, shape };
    }
    return guess;
}
function describe({ entry, shape }, url) {
    const base = directory(url);
    const ownFiles = shape && entry.ownFiles && new URL(entry.ownFiles, base);
    return {
        name: entry.name,
        simpleRoot: shape?.simple === undefined ? undefined : new URL(shape.simple, base),
        digestIsOurWord: entry.digestIsOurWord === true,
        mayOverwrite: entry.mayOverwrite === true,
        ownFiles: ownFiles || undefined,
        mergesUpstreams: entry.mergesUpstreams === true && !ownFiles,
    };
}
/**
 * The server of a simple index that was given and that is not the upload URL's own. No link is left out there: files of
 * any index that it shows are what the user asks about.
 */
function readServer(root) {
    const found = recognise(root);
    return found === undefined || found.shape?.ambiguous
        ? undefined
        : describe({ entry: found.entry, shape: undefined }, root);
}
/** `/simple/` beside `/legacy/` (PyPI and its relatives) or at `/` (pypiserver); a simple index that was given for the upload URL. */
function guessedRoot(url) {
    const base = directory(url);
    if (base.pathname.endsWith('/legacy/'))
        return new URL('../simple/', base);
    if (base.pathname === '/')
        return new URL('simple/', base);
    return /\/\+?simple\/$/.test(base.pathname) ? base : undefined;
}
/** The URL with a final slash, without query and fragment: what is below it can be resolved against it. */
function directory(url) {
    const base = new URL(url);
    base.search = '';
    base.hash = '';
    if (!base.pathname.endsWith('/'))
        base.pathname += '/';
    return base;
}


/***/ }),

/***/ 4666:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   CS: () => (/* binding */ pageFailure),
/* harmony export */   Rp: () => (/* binding */ answerFailure),
/* harmony export */   SP: () => (/* binding */ shown),
/* harmony export */   l2: () => (/* binding */ redirectFailure),
/* harmony export */   to: () => (/* binding */ explained)
/* harmony export */ });
/* unused harmony export faultFailure */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(452);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8804);
/* harmony import */ var _block_page_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(2386);
/* harmony import */ var _exchange_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(1588);
/* harmony import */ var _explain_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(6878);
/* harmony import */ var _fetch_js__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(861);
/* harmony import */ var _no_answer_js__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(4653);
/* harmony import */ var _page_fault_js__WEBPACK_IMPORTED_MODULE_7__ = __nccwpck_require__(4259);
/* harmony import */ var _retry_after_js__WEBPACK_IMPORTED_MODULE_10__ = __nccwpck_require__(2200);
/* harmony import */ var _server_words_js__WEBPACK_IMPORTED_MODULE_8__ = __nccwpck_require__(9094);
/* harmony import */ var _simple_index_js__WEBPACK_IMPORTED_MODULE_9__ = __nccwpck_require__(538);











const CHECK_URL_HINT = 'Give the index URL that your pip uses as check-url (the part before the name of a project); check-url: off publishes without looking.';
const WRITE_ONLY_HINT = 'An account or certificate that may upload and not read needs check-url: off, with which nobody looks what an upload may replace.';
/** An answer that is neither a page nor "not there". */
function answerFailure(answer, asked) {
    const { reader, now } = asked;
    const { status } = answer;
    const words = (0,_server_words_js__WEBPACK_IMPORTED_MODULE_8__/* .wordsOf */ .Z)(answer, reader.secrets);
    const number = (0,_server_words_js__WEBPACK_IMPORTED_MODULE_8__/* .requestNumber */ .F)(answer, reader.secrets);
    const said = `${shown(asked)} answered ${words.sentence}${number === undefined ? '' : ` (${number})`}`;
    const certificate = (0,_explain_js__WEBPACK_IMPORTED_MODULE_4__/* .clientCertificate */ .X3)({ answer, words, said, certificateSubject: undefined })?.problem;
    const special = blocked(answer, said, asked) ?? (certificate && new _simple_index_js__WEBPACK_IMPORTED_MODULE_9__/* .LookupFailure */ .B(certificate));
    if (special !== undefined)
        return special;
    if (status === 401)
        return failure('E_HTTP_UNAUTHORIZED', `the simple index may not be read: ${said}`, unauthorizedHint(asked));
    if (status === 403)
        return failure('E_HTTP_FORBIDDEN', `the simple index may not be read: ${said}`, WRITE_ONLY_HINT);
    if (status === 421)
        return failure('E_HTTP_MISDIRECTED', said, 'Give the URL with the host name that the server has TLS settings for.');
    const afterMs = (0,_retry_after_js__WEBPACK_IMPORTED_MODULE_10__/* .retryAfterMs */ .Vs)(answer, now());
    const later = afterMs === undefined ? said : `${said}; it asks to come back ${(0,_retry_after_js__WEBPACK_IMPORTED_MODULE_10__/* .comeBack */ .Cn)(afterMs, now())}`;
    const retry = { afterMs };
    if (status === 429)
        return failure('E_HTTP_TOO_MANY_REQUESTS', later, 'Run again later: it limits how often it is asked.', retry);
    if (status >= 500 || status === 408 || status === 425) {
        const hint = 'Run again; if it happens each time, ask the team that runs the index what its log says of this minute.';
        return failure('E_HTTP_SERVER_ERROR', later, hint, retry);
    }
    const expected = asked.file ? 'a file of the index' : 'a page of the simple index';
    return failure('E_INDEX_LOOKUP', `expected ${expected}: ${said}`, CHECK_URL_HINT);
}
/** A firewall's page in place of the index's. */
function blocked(answer, said, { reader }) {
    const page = (0,_block_page_js__WEBPACK_IMPORTED_MODULE_2__/* .blockPageOf */ .u)(answer, reader.secrets);
    if (page === undefined)
        return undefined;
    const incident = page.incident === undefined ? '' : `, ${page.incident}`;
    return failure('E_HTTP_BLOCKED', `a firewall in front of the index blocked the lookup (it looks like a page of ${page.product}${incident}): ${said}`, `Ask the team that runs it which rule it was; check-url: off publishes without looking.`);
}
function unauthorizedHint({ reader }) {
    return reader.authorization === undefined
        ? `Give user and password, which go to the origin of repository-url alone, or have the index map the certificate to a user who may read. ${WRITE_ONLY_HINT}`
        : `Check user and password. ${WRITE_ONLY_HINT}`;
}
/** A redirect that is not followed; `target`: where it leads, undefined where that cannot be read. */
function redirectFailure(answer, target, login, asked) {
    const { status } = (0,_server_words_js__WEBPACK_IMPORTED_MODULE_8__/* .wordsOf */ .Z)(answer, asked.reader.secrets);
    const where = target === undefined ? 'nowhere that can be read' : shown({ ...asked, url: target });
    const pointer = `${shown(asked)} answered ${status} and points to ${where}`;
    if (login)
        return loginFailure(pointer);
    const same = target?.origin === asked.url.origin;
    return failure('E_HTTP_REDIRECT', same ? `${pointer}, after five redirects already` : `${pointer}, and a lookup goes to no other origin`, same
        ? 'The index or its front redirects in a circle: ask the team that runs it.'
        : `If the simple index is there, give its URL as check-url. ${CHECK_URL_HINT}`);
}
function loginFailure(found) {
    return failure('E_HTTP_LOGIN_PAGE', `expected the simple index and found a login: ${found}`, 'Something in front of the index asks people to log in (single sign-on); ask the team that runs it for a URL that a client certificate or a token opens, and give it as check-url.');
}
/** A 200 whose body is no page of a simple index. */
function pageFailure(fault, answer, asked) {
    const words = (0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .clip */ .$Q)((0,_server_words_js__WEBPACK_IMPORTED_MODULE_8__/* .wordsOf */ .Z)(answer, asked.reader.secrets).sentence, 200);
    const firewall = blocked(answer, `${shown(asked)} answered ${words}`, asked);
    if (firewall !== undefined)
        return firewall;
    if ((0,_explain_js__WEBPACK_IMPORTED_MODULE_4__/* .asksToLogIn */ .FZ)(answer))
        return loginFailure(`${shown(asked)} answered ${words}`);
    return faultOfPage(fault, asked, ` (${words})`);
}
function faultOfPage({ found, truncated }, asked, words = '') {
    const message = `expected a page of the simple index at ${shown(asked)} and found ${found}${words}`;
    return failure('E_INDEX_LOOKUP', message, CHECK_URL_HINT, truncated ? { afterMs: undefined } : undefined);
}
/** What ended a request in place of an answer. Undefined: no fault of network, server or page. */
function faultFailure(error, asked) {
    if (error instanceof _simple_index_js__WEBPACK_IMPORTED_MODULE_9__/* .LookupFailure */ .B)
        return error;
    if (error instanceof _page_fault_js__WEBPACK_IMPORTED_MODULE_7__/* .PageFault */ .S)
        return faultOfPage(error, asked);
    if (error instanceof _fetch_js__WEBPACK_IMPORTED_MODULE_5__/* .BodyLimit */ .qc)
        return faultOfPage(new _page_fault_js__WEBPACK_IMPORTED_MODULE_7__/* .PageFault */ .S('more than any index has to say'), asked);
    if (error instanceof _exchange_js__WEBPACK_IMPORTED_MODULE_3__/* .Silence */ .Ah)
        return silence(error, asked);
    const explained = asked.reader.explain(error);
    if (explained !== undefined)
        return new _simple_index_js__WEBPACK_IMPORTED_MODULE_9__/* .LookupFailure */ .B(explained, (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .mayPass */ .bg)(explained) ? { afterMs: undefined } : undefined);
    if ((0,_no_answer_js__WEBPACK_IMPORTED_MODULE_6__/* .isNotHttp */ .CV)(error)) {
        const message = `expected an HTTP answer from ${shown(asked)} and found bytes that are none`;
        return failure('E_HTTP_NOT_HTTP', message, CHECK_URL_HINT);
    }
    if (!(0,_no_answer_js__WEBPACK_IMPORTED_MODULE_6__/* .isDeath */ .xW)(error) && (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .errorCodeOf */ .D9)(error) !== 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
        return undefined;
    return failure('E_HTTP_NO_ANSWER', `the connection ended before ${shown(asked)} had answered`, 'Run again; if it happens each time, ask the team that runs the index what its log says.', { afterMs: undefined });
}
function silence(cause, asked) {
    const problem = new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({
        code: 'E_HTTP_NO_ANSWER',
        message: `${shown(asked)} gave no whole answer within ${Math.round(cause.limit / 100) / 10} s (idle-timeout-seconds)`,
        hint: 'Raise idle-timeout-seconds if the page is that large; else ask the team that runs the index.',
        cause,
    });
    return new _simple_index_js__WEBPACK_IMPORTED_MODULE_9__/* .LookupFailure */ .B(problem, { afterMs: undefined });
}
function failure(code, message, hint, retry) {
    return new _simple_index_js__WEBPACK_IMPORTED_MODULE_9__/* .LookupFailure */ .B(new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({ code, message, hint }), retry);
}
/** The URL as it may be shown: a page's links and redirects choose it. */
function shown({ url, reader }) {
    return (0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .printable */ .g$)((0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .redact */ .E$)((0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .shownUrl */ .zA)(url), reader.secrets), 200);
}
/** Runs a request whose faults become a LookupFailure. Errors of our own code, and the signal's reason, pass. */
async function explained(asked, signal, work) {
    try {
        return await work();
    }
    catch (error) {
        if (signal.aborted)
            throw signal.reason;
        throw faultFailure(error, asked) ?? error;
    }
}


/***/ }),

/***/ 4653:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   CV: () => (/* binding */ isNotHttp),
/* harmony export */   SP: () => (/* binding */ explainFailure),
/* harmony export */   nz: () => (/* binding */ twiceAtOnePlace),
/* harmony export */   xW: () => (/* binding */ isDeath)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(452);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8804);
/* harmony import */ var _exchange_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(1588);



/** What the end of an exchange without an answer means. Throws what is no fault of network, server or file. */
function explainFailure(failure) {
    const { exchange, explain } = failure;
    const { error, started, answer } = exchange;
    if (error instanceof _exchange_js__WEBPACK_IMPORTED_MODULE_2__/* .Silence */ .Ah)
        return silence(failure, error);
    if (error === undefined && answer !== undefined)
        return premature(failure, answer);
    const explained = explain(error);
    if (explained !== undefined && !started) {
        const verdict = { outcome: 'not-tried', problem: explained, ends: 'run' };
        return (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .mayPass */ .bg)(explained) ? { ...verdict, retry: SOON } : verdict;
    }
    if (explained !== undefined && !explained.code.startsWith('E_NETWORK_')) {
        return { outcome: 'no-answer', problem: explained, ends: 'run' };
    }
    // The file itself: it changed, or cannot be read on. The server never got its last bytes.
    if (explained === undefined && error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1) {
        return { outcome: 'not-tried', problem: error, ends: 'file' };
    }
    if (isNotHttp(error))
        return notHttp(failure);
    if (explained !== undefined || (started && isDeath(error)))
        return death(failure);
    throw error;
}
const SOON = { afterMs: undefined };
/** Whether a connection broke: by the system, or as undici says it. */
function isDeath(error) {
    return /^(?:E[A-Z]+|UND_ERR_SOCKET)$/.test((0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .errorCodeOf */ .D9)(error) ?? '');
}
/** What undici says of bytes that are no HTTP answer, or none to this request. */
function isNotHttp(error) {
    if (!(error instanceof Error))
        return false;
    const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .errorCodeOf */ .D9)(error) ?? '';
    return error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW' || error.message.startsWith('bad ');
}
function notHttp({ exchange }) {
    return {
        outcome: 'no-answer',
        problem: new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({
            code: 'E_HTTP_NOT_HTTP',
            message: 'expected an HTTP answer from the index and found bytes that are none',
            hint: 'Check host and port in repository-url: something other than an HTTP/1.1 server answers there.',
            cause: exchange.error,
        }),
        ends: 'run',
    };
}
function noAnswer(failure, message, hint = hintFor(failure)) {
    const { error: cause } = failure.exchange;
    return {
        outcome: 'no-answer',
        problem: new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({ code: 'E_HTTP_NO_ANSWER', message, hint, cause }),
        ends: 'file',
    };
}
function hintFor({ exchange, contentLength }) {
    return exchange.sent === contentLength
        ? 'The file may or may not be on the index: look there before you run again, and ask the team that runs it what its log says.'
        : 'A limit of size or time between here and the index is likely (client_max_body_size of nginx, --max-request-body-size of devpi): ask the team that runs it what its log says.';
}
function silence(failure, { limit }) {
    const time = `${Math.round(limit / 100) / 10} s (idle-timeout-seconds)`;
    const complete = failure.exchange.sent === failure.contentLength;
    const message = complete
        ? `the index had everything and gave no answer within ${time}`
        : `the index took no more bytes for ${time}, ${amount(failure)}`;
    return { ...noAnswer(failure, message), retry: SOON };
}
function death(failure) {
    const complete = failure.exchange.sent === failure.contentLength;
    const when = complete ? 'after everything had been sent' : amount(failure);
    return { ...noAnswer(failure, `the connection ended without an answer, ${when}`), retry: SOON };
}
/** The second death of one file at one place. Another try would be the third. */
function twiceAtOnePlace(exchange, contentLength) {
    const { error: cause } = exchange;
    const complete = exchange.sent === contentLength;
    const where = complete ? 'after everything had been sent' : amount({ exchange, contentLength });
    return {
        outcome: 'no-answer',
        problem: new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .PublishError */ .S1({
            code: 'E_HTTP_NO_ANSWER',
            message: `the connection was closed ${where}, twice at the same place and without an answer: a limit of size${complete ? ' or time' : ''} is likely`,
            hint: 'Have the limit raised, and each of several in a row: client_max_body_size of nginx, --max-request-body-size of devpi and Waitress, the limits of a firewall.',
            cause,
        }),
        ends: 'file',
    };
}
/** A server that says yes before it can know the file: a page that takes every POST. */
function premature(failure, { status }) {
    return noAnswer(failure, `the index answered ${status} before it had the whole file, ${amount(failure)}`, 'Check that repository-url is the upload URL of the index: what answers there does not read what it is sent.');
}
function amount({ exchange, contentLength }) {
    return `after about ${(0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .formatBytes */ .z3)(exchange.sent)} of ${(0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .formatBytes */ .z3)(contentLength)}`;
}


/***/ }),

/***/ 4259:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   S: () => (/* binding */ PageFault)
/* harmony export */ });
/** A body that is no page of a simple index, or not all of one. */
class PageFault extends Error {
    /** What was found in place of it: end of a sentence, printable. */
    found;
    /** It breaks off: another try may bring all of it. */
    truncated;
    constructor(found, truncated = false) {
        super(`expected a page of a simple index and found ${found}`);
        this.name = 'PageFault';
        this.found = found;
        this.truncated = truncated;
    }
}


/***/ }),

/***/ 9917:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $m: () => (/* binding */ repeatableTarget),
/* harmony export */   ET: () => (/* binding */ redirectTarget),
/* harmony export */   yP: () => (/* binding */ leadsToLogin)
/* harmony export */ });
/** Where a redirect leads (RFC 9110, 10.2.2: also relative to the request's URL); undefined where it cannot be read. */
function redirectTarget({ headers }, url) {
    const location = headers.get('location');
    if (location === undefined || !URL.canParse(location, url.href))
        return undefined;
    const target = new URL(location, url);
    return /^https?:$/.test(target.protocol) ? target : undefined;
}
/**
 * The one redirect that an upload follows: 307 or 308, which keep method and body, on the same origin, since nothing may
 * be sent to another one. 301 to 303 would become a GET, whose 200 looks like success.
 */
function repeatableTarget(answer, url) {
    if (answer.status !== 307 && answer.status !== 308)
        return undefined;
    const target = redirectTarget(answer, url);
    return target !== undefined && target.origin === url.origin && !leadsToLogin(target, url) ? target : undefined;
}
/** Parts of paths and host names at which people log in (`/my.policy`: F5 APM). */
const LOGIN = /(?:^|[/.])(?:log-?in|sign-?in|sso|saml2?|oauth2?|oidc|authorize|adfs|auth|idp|my\.policy)(?:$|[/.])/i;
/** Whether a redirect asks a person to log in. A host name counts only when it is another one. */
function leadsToLogin(target, url) {
    return LOGIN.test(target.pathname) || (target.origin !== url.origin && LOGIN.test(target.hostname));
}


/***/ }),

/***/ 2200:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Cn: () => (/* binding */ comeBack),
/* harmony export */   Vs: () => (/* binding */ retryAfterMs),
/* harmony export */   dX: () => (/* binding */ LONGEST_WAIT)
/* harmony export */ });
/** Milliseconds: a server that asks to come back later than this gets no second try in this run. */
const LONGEST_WAIT = 120_000;
/**
 * How long a server asks to wait (Retry-After; RFC 9110, 10.2.3: seconds or a date), in milliseconds, 0 for a time that
 * has passed; undefined: it does not say, or nobody can read it.
 */
function retryAfterMs({ headers }, now) {
    const text = headers.get('retry-after')?.trim() ?? '';
    if (/^\d{1,8}$/.test(text))
        return Number(text) * 1000;
    const date = httpDate(text);
    // Both dates of one clock: this machine's may be wrong.
    const clock = httpDate(headers.get('date') ?? '') ?? now;
    return date && Math.max(0, date.getTime() - clock.getTime());
}
function httpDate(value) {
    const date = new Date(/ GMT$/.test(value) ? value : '');
    return Number.isNaN(date.getTime()) ? undefined : date;
}
/** `in 90 s`, `in 5 minutes (2026-11-27T03:35:00Z)`: when to come back, for people. */
function comeBack(waitMs, now) {
    const seconds = Math.ceil(waitMs / 1000);
    if (seconds < 120)
        return `in ${seconds} s`;
    const time = new Date(now.getTime() + waitMs).toISOString().slice(0, 19);
    const amount = seconds < 7200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
    return `in ${amount} (${time}Z)`;
}


/***/ }),

/***/ 5295:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   F5: () => (/* binding */ shapeOf),
/* harmony export */   VF: () => (/* binding */ isMistake),
/* harmony export */   Vp: () => (/* binding */ SERVERS)
/* harmony export */ });
const REALM = 'www-authenticate';
/**
 * The first that fits counts. Facts are from the servers' sources and manuals; of the clouds from their manuals and from
 * reports of users.
 */
const SERVERS = [
    {
        name: 'Artifactory',
        shapes: [
            { upload: /\/artifactory\/api\/pypi\/(?<repository>[^/]+)\/?$/, simple: 'simple/' },
            // Fronts rewrite the context path.
            { upload: /\/api\/pypi\/(?<repository>[^/]+)\/?$/, simple: 'simple/', ambiguous: true },
        ],
        mistakes: [
            {
                path: /\/artifactory\/(?!api\/pypi\/[^/]+\/?$)/,
                hint: 'The upload URL of Artifactory is https://HOST/artifactory/api/pypi/REPOSITORY (without /simple).',
            },
        ],
        uploadUrl: 'https://HOST/artifactory/api/pypi/REPOSITORY',
        check: 'Check the name of the repository; a virtual repository takes uploads only when it has a default deployment repository.',
        permission: 'Deploy/Cache on the repository {repository}, and Delete/Overwrite only for whoever may replace files',
        credentials: 'the real user name (not __token__) with a password or token, or a bearer token',
        marks: {
            headers: {
                'x-artifactory-id': /./,
                'x-artifactory-node-id': /./,
                'x-jfrog-version': /./,
                server: /^artifactory/i,
                [REALM]: /realm="artifactory/i,
            },
        },
        exists: { statuses: [400, 403, 409], words: /overwrite (?:all )?artifact|needs delete permission/ },
        mayOverwrite: true,
        mergesUpstreams: true,
    },
    {
        name: 'Nexus',
        shapes: [{ upload: /\/repository\/(?<repository>[^/]+)\/?$/, simple: 'simple/' }],
        mistakes: [
            {
                path: /\/repository\/[^/]+(?:\/simple\/?)?$/,
                hint: 'The upload URL of Nexus ends in a slash: https://HOST/repository/REPOSITORY/ (a hosted repository, without simple).',
            },
        ],
        uploadUrl: 'https://HOST/repository/REPOSITORY/',
        check: 'Check the name of the repository and that it is a hosted one: Nexus takes no uploads into a group or a proxy.',
        permission: 'the privilege nx-repository-view-pypi-{repository}-add, with -edit for whoever may replace files',
        credentials: 'a user with password, or both halves of a user token',
        marks: { headers: { server: /^nexus\//i, [REALM]: /realm="sonatype nexus/i } },
        exists: {
            statuses: [400],
            words: /does not allow updating assets?\b|updating asset\b|\.(?:whl|tar\.gz|zip) cannot be updated/,
        },
        mayOverwrite: true,
        mergesUpstreams: true,
    },
    {
        name: 'GitLab',
        shapes: [{ upload: /\/api\/v4\/projects\/(?<project>[^/]+)\/packages\/pypi\/?$/, simple: 'simple/' }],
        mistakes: [{ path: /\/api\/v4\/(?:projects|groups)\/(?!.+\/packages\/pypi\/?$)/ }],
        uploadUrl: 'https://HOST/api/v4/projects/ID/packages/pypi',
        check: 'Check the ID of the project; GitLab also answers 404 when the token may not see the project.',
        permission: 'the role Developer in the project {project} (a protected package may ask for Maintainer)',
        credentials: 'a personal, project or group token with the scope api, a deploy token with write_package_registry, or a job token as gitlab-ci-token',
        marks: { headers: { 'x-gitlab-meta': /./, [REALM]: /realm="gitlab/i } },
        exists: { statuses: [400], words: /already been taken/ },
        digestIsOurWord: true,
    },
    {
        name: 'Gitea or Forgejo',
        shapes: [{ upload: /\/api\/packages\/(?<owner>[^/]+)\/pypi\/?$/, simple: 'simple/' }],
        mistakes: [
            {
                path: /\/api\/packages\/(?![^/]+\/pypi\/?$)/,
                hint: 'The upload URL of Gitea and Forgejo is https://HOST/api/packages/OWNER/pypi.',
            },
        ],
        uploadUrl: 'https://HOST/api/packages/OWNER/pypi',
        check: 'Check the name of the owner, and that packages are switched on there.',
        permission: 'write access to the packages of {owner}, with a token of the scope write:package',
        credentials: 'a token with the scope write:package (a token without it gets 401 too)',
        marks: { headers: { [REALM]: /realm="(?:gitea|forgejo)/i } },
        exists: { statuses: [400, 409], words: /file (?:already exists|does exist already)/ },
    },
    {
        name: 'Azure Artifacts',
        shapes: [{ upload: /\/_packaging\/(?<feed>[^/]+)\/pypi\/upload\/?$/, simple: '../simple/' }],
        mistakes: [{ path: /\/_packaging\/(?![^/]+\/pypi\/upload\/?$)/ }],
        uploadUrl: 'https://pkgs.dev.azure.com/ORGANIZATION/PROJECT/_packaging/FEED/pypi/upload/',
        check: 'Check the names of organization, project and feed.',
        permission: 'the role Feed Publisher (Contributor) on the feed {feed}',
        credentials: 'any user name with a personal access token that has Packaging (read and write), or an Entra token',
        marks: { headers: { 'x-tfs-processid': /./, 'x-vss-e2eid': /./ }, text: /"typeKey"\s*:\s*"\w+Exception"/ },
        exists: { statuses: [409], words: /already contains file/ },
        mergesUpstreams: true,
    },
    {
        name: 'AWS CodeArtifact',
        shapes: [
            {
                host: /\.d\.codeartifact\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/,
                upload: /^\/pypi\/(?<repository>[^/]+)\/?$/,
                simple: 'simple/',
            },
        ],
        mistakes: [],
        uploadUrl: 'https://DOMAIN-ACCOUNT.d.codeartifact.REGION.amazonaws.com/pypi/REPOSITORY/',
        check: 'Check domain, account, region and repository.',
        permission: 'codeartifact:PublishPackageVersion on the repository {repository}',
        credentials: 'the user aws with a token of GetAuthorizationToken, which ends after 12 hours at most',
        marks: {},
        mergesUpstreams: true,
    },
    {
        name: 'Google Artifact Registry',
        shapes: [
            {
                host: /-python\.pkg\.dev$/,
                upload: /^\/(?<project>[^/]+)\/(?<repository>[^/]+)\/?$/,
                simple: 'simple/',
            },
        ],
        mistakes: [],
        uploadUrl: 'https://REGION-python.pkg.dev/PROJECT/REPOSITORY/',
        check: 'Check region, project and repository: a standard repository of the format Python.',
        permission: 'roles/artifactregistry.writer on the repository {repository}',
        credentials: 'the user oauth2accesstoken with an access token, or _json_key_base64 with a key of a service account',
        marks: {},
        exists: { statuses: [400, 409], words: /requested entity already exists/ },
        mergesUpstreams: true,
    },
    {
        name: 'Cloudsmith',
        shapes: [
            {
                host: /^python\.cloudsmith\.io$/,
                upload: /^\/(?<owner>[^/]+)\/(?<repository>[^/]+)\/?$/,
                simple: undefined,
            },
        ],
        mistakes: [],
        uploadUrl: 'https://python.cloudsmith.io/OWNER/REPOSITORY/',
        check: 'Check owner and repository.',
        permission: 'the privilege Write on the repository {repository}',
        credentials: 'a user name with an API key, or the user token with a token from its OpenID Connect exchange',
        marks: {},
        mayOverwrite: true,
        mergesUpstreams: true,
    },
    {
        name: 'Pulp',
        shapes: [{ upload: /\/pypi\/(?<base>.+)\/(?:legacy|simple)\/?$/, simple: '../simple/' }],
        mistakes: [
            {
                path: /\/pypi\/.+\/(?:legacy|simple)$/,
                hint: 'The upload URL ends in a slash on PyPI, Pulp and their relatives: add it.',
            },
        ],
        uploadUrl: 'https://HOST/pypi/DISTRIBUTION/simple/',
        check: 'Check the base path of the distribution; Pulp takes uploads at /legacy/ and /simple/ below it.',
        permission: 'python.modify_pythonrepository on the repository behind {base}, whose distribution must have allow_uploads',
        credentials: 'a user of Pulp with its password, or what its REMOTE_USER is made of',
        marks: {
            headers: { [REALM]: /realm="pulp/i },
            text: /\/pulp\/(?:[^"\s]{1,80}\/)?api\/v3\/|^index is not (?:allowing uploads|pointing to a rep)/im,
        },
        exists: { statuses: [400], words: /package \S+ already exists in index/ },
        mergesUpstreams: true,
    },
    {
        name: 'pypiron',
        shapes: [],
        mistakes: [],
        uploadUrl: 'https://HOST/legacy/',
        check: 'pypiron takes uploads at https://HOST/legacy/.',
        permission: 'a user who may upload',
        credentials: 'a user with its password or token',
        marks: { headers: { [REALM]: /realm="pypiron"/i } },
    },
    {
        name: 'devpi',
        shapes: [
            {
                upload: /\/(?<user>[\w.-]+)\/(?<index>(?!(?:simple|legacy|upload)\/?$)[\w.-]+)\/?$/,
                simple: '+simple/',
                ambiguous: true,
            },
        ],
        mistakes: [
            {
                path: /\/\+(?:simple|f|e|doc)(?:\/|$)/,
                hint: 'This is the simple index that pip reads; devpi takes uploads at https://HOST/USER/INDEX/ (without +simple).',
            },
        ],
        uploadUrl: 'https://HOST/USER/INDEX/',
        check: 'Check user and index: devpi takes uploads at https://HOST/USER/INDEX/ and answers 404 where there is no such index.',
        permission: 'the user in acl_upload of the index',
        credentials: 'a user with its password or a token of devpi login, as Basic (devpi takes no bearer token)',
        marks: { headers: { 'x-devpi-serial': /./, 'x-devpi-server-version': /./ } },
        exists: { statuses: [409], words: /already exists in non-volatile index/ },
        mayOverwrite: true,
        mergesUpstreams: true,
        ownFiles: '+f/',
    },
    {
        name: 'pypiserver',
        shapes: [],
        mistakes: [],
        uploadUrl: 'https://HOST/',
        check: 'pypiserver takes uploads at https://HOST/ and nowhere else.',
        permission: 'a user of its password file (-P), while -a has update; -P . -a . leaves it to the front',
        credentials: 'a user of its password file (-P)',
        marks: { text: /may start server with --overwrite|missing ':action' field/i },
        exists: { statuses: [400, 409], words: /package '[^']{1,300}' already exists!/ },
    },
];
/** The shape that an upload URL has, if it is one of this server's. */
function shapeOf({ shapes }, { hostname, pathname }) {
    return shapes.find(({ host, upload }) => upload.test(pathname) && (host?.test(hostname) ?? true));
}
/** Whether a URL is one of this server's at which no upload is taken. */
function isMistake({ mistakes, shapes }, { hostname, pathname }) {
    return mistakes.some(({ path }) => path.test(pathname)) || shapes.some(({ host }) => host?.test(hostname) === true);
}


/***/ }),

/***/ 9094:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   F: () => (/* binding */ requestNumber),
/* harmony export */   Z: () => (/* binding */ wordsOf)
/* harmony export */ });
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8804);

/** Characters of a server's words in one sentence. */
const MAX_WORDS = 400;
/** Characters of a reason phrase: Warehouse and its relatives write whole paragraphs there. */
const MAX_REASON = 300;
/**
 * Reads the server's words where servers put them: reason phrase, JSON (`message`, `detail`, `errors` ..., RFC 9457),
 * HTML, plain text. Secrets are taken out of the raw answer, and again of what was taken out of HTML or JSON, where
 * escapes can hide them.
 */
function wordsOf({ status, reason, headers, text }, secrets) {
    const said = (0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(textOf((0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text, secrets), headers.get('content-type') ?? ''), secrets);
    const phrase = (0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(reason, secrets);
    const statusLine = `${status} ${unended((0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .printable */ .g$)(phrase, MAX_REASON)) || usualReason(status)}`.trim();
    const body = unended(beyond((0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .printable */ .g$)(said, MAX_WORDS), statusLine));
    return {
        status: statusLine,
        sentence: body === '' ? statusLine : `${statusLine}: ${body}`,
        haystack: `${phrase}\n${said}`.replace(/\s+/g, ' ').toLowerCase(),
    };
}
/** Node.js' own HTTP client is loaded for its words alone, and only where a server says none. */
function usualReason(status) {
    return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? '';
}
/** Words that stand in a sentence of ours, which goes on or has an end of its own. */
function unended(words) {
    return words.replace(/([^.])\.$/, '$1');
}
/** Many pages begin with their own status line, and many servers say the same in the reason phrase and in the body. */
function beyond(body, statusLine) {
    const phrase = statusLine.replace(/^\d+ /, '');
    for (const known of [statusLine, `Error: ${statusLine}`, phrase]) {
        if (known !== '' && body.startsWith(known))
            return body.slice(known.length).replace(/^[\s.:,-]+/, '');
    }
    return body;
}
/** Cloudflare, Azure, CloudFront, Akamai; then what many servers use. */
const REQUEST_NUMBERS = [
    'cf-ray',
    'x-azure-ref',
    'x-amz-cf-id',
    'x-akamai-request-id',
    'x-request-id',
    'x-amzn-requestid',
    'x-correlation-id',
];
/** The request number of a front or of the index, which its operators need to find the request in their log. */
function requestNumber({ headers }, secrets) {
    for (const name of REQUEST_NUMBERS) {
        const value = (0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .printable */ .g$)((0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(headers.get(name) ?? '', secrets), 80);
        if (value !== '')
            return `${name} ${value}`;
    }
    return undefined;
}
/** What a body says to people. */
function textOf(body, contentType) {
    const start = body.trimStart();
    if (/\bjson\b/i.test(contentType) || start.startsWith('{') || start.startsWith('[')) {
        const messages = jsonMessages(body);
        if (messages !== undefined)
            return messages;
    }
    return /\bhtml\b/i.test(contentType) || start.startsWith('<') ? htmlText(body) : body;
}
/** Keys under which servers put a sentence, the best first: what has one often repeats the status under another. */
const MESSAGE_KEYS = [
    'message',
    'detail',
    'msg',
    'errors',
    'error_description',
    'description',
    'error',
    'title',
    'reason',
];
const MAX_DEPTH = 6;
const MAX_MESSAGES = 10;
/** Undefined when the text is no JSON. */
function jsonMessages(body) {
    let parsed;
    try {
        parsed = JSON.parse(body);
    }
    catch {
        return undefined;
    }
    const found = new Set();
    collect(parsed, found, MAX_DEPTH);
    return [...found].join('; ');
}
function collect(value, found, depth) {
    if (depth === 0 || found.size >= MAX_MESSAGES)
        return;
    if (typeof value === 'string') {
        if (value.trim() !== '')
            found.add(value.trim());
    }
    else if (Array.isArray(value)) {
        for (const one of value)
            collect(one, found, depth - 1);
    }
    else if (typeof value === 'object' && value !== null) {
        collectMembers(new Map(Object.entries(value)), found, depth);
    }
}
/** The first member that has a message; of an object without any (Django's `{field: [...]}`) all, with their names. */
function collectMembers(members, found, depth) {
    const before = found.size;
    for (const key of MESSAGE_KEYS) {
        collect(members.get(key), found, depth - 1);
        if (found.size > before)
            return;
    }
    for (const [key, value] of members) {
        const own = new Set();
        collect(value, own, depth - 1);
        for (const message of own)
            if (found.size < MAX_MESSAGES)
                found.add(`${(0,_text_js__WEBPACK_IMPORTED_MODULE_0__/* .clip */ .$Q)(key, 60)}: ${message}`);
    }
}
/** Elements whose text nobody sees. */
const INVISIBLE = new Set(['script', 'style', 'template', 'svg']);
/** The visible text of a page: of its body, or its title where the body has none. One pass, whatever the page holds. */
function htmlText(html) {
    let hidden;
    let inTitle = false;
    const title = [];
    const visible = [];
    const [before = '', ...pieces] = html.replace(/<!--/g, '<comment>').replace(/-->/g, '</comment>').split('<');
    visible.push(before);
    for (const piece of pieces) {
        const end = piece.indexOf('>');
        const [, slash, name = ''] = /^(\/?)([a-z][a-z0-9]*)/i.exec(piece) ?? [];
        const tag = name.toLowerCase();
        if (hidden === undefined && slash === '' && (INVISIBLE.has(tag) || tag === 'comment'))
            hidden = tag;
        else if (hidden === tag && slash === '/')
            hidden = undefined;
        if (tag === 'title')
            inTitle = slash === '';
        const text = end < 0 ? '' : piece.slice(end + 1);
        if (hidden === undefined)
            (inTitle ? title : visible).push(text);
    }
    const words = (parts) => entities(parts.join(' ')).replace(/\s+/g, ' ').trim();
    return words(visible) || words(title);
}
const NAMED = new Map([
    ['amp', '&'],
    ['lt', '<'],
    ['gt', '>'],
    ['quot', '"'],
    ['apos', "'"],
    ['nbsp', ' '],
]);
/** Numeric entities and those of NAMED; others stay as they are. */
function entities(text) {
    return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]{2,5}));/gi, (whole, hex, decimal, name) => {
        if (name !== undefined)
            return NAMED.get(String(name).toLowerCase()) ?? whole;
        const point = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
        return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    });
}


/***/ }),

/***/ 538:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   B: () => (/* binding */ LookupFailure)
/* harmony export */ });
/** What ended a lookup. */
class LookupFailure extends Error {
    problem;
    /** Undefined: another try would end the same way. */
    retry;
    constructor(problem, retry) {
        super(problem.message, { cause: problem });
        this.name = 'LookupFailure';
        this.problem = problem;
        this.retry = retry;
    }
}


/***/ }),

/***/ 9048:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   C: () => (/* binding */ uploadUrlHint)
/* harmony export */ });
/* harmony import */ var _server_table_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(5295);

/** Paths that many servers have, and what goes wrong with them. The first that fits counts. */
const COMMON = [
    {
        path: /\/simple\/?$/,
        hint: 'This looks like the simple index that pip reads; give the URL to which the index takes uploads.',
    },
    {
        path: /\/legacy$/,
        hint: 'The upload URL ends in a slash on PyPI, Pulp and their relatives: add it.',
    },
    {
        path: /^\/legacy\/$/,
        hint: 'Give the upload URL as the index documents it; pypiserver takes uploads at https://HOST/ and nowhere else.',
    },
    {
        path: /^\/$/,
        hint: 'The upload URL has a path on most indexes: /legacy/ on PyPI and its relatives, /USER/INDEX/ on devpi, /repository/REPOSITORY/ on Nexus.',
    },
];
/**
 * What is most likely wrong with a `repository-url` at which no upload is taken (404, 405, 415), by the shape of its path
 * and, where the answer tells it, by the server that stands there.
 */
function uploadUrlHint(url, server) {
    if (server !== undefined)
        return hintOf(server, url) ?? documented(server);
    for (const entry of _server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .SERVERS */ .Vp) {
        const hint = (0,_server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .shapeOf */ .F5)(entry, url)?.ambiguous ? undefined : hintOf(entry, url);
        if (hint !== undefined)
            return hint;
    }
    const common = COMMON.find(({ path }) => path.test(url.pathname));
    return common?.hint ?? 'Give repository-url exactly as the index documents it for uploads; a final slash matters.';
}
/** A URL may be right for the simple index that belongs to it and wrong for uploads all the same: mistakes come first. */
function hintOf(entry, url) {
    const mistake = entry.mistakes.find(({ path }) => path.test(url.pathname));
    if (mistake !== undefined)
        return mistake.hint ?? documented(entry);
    if ((0,_server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .shapeOf */ .F5)(entry, url) !== undefined)
        return entry.check;
    return (0,_server_table_js__WEBPACK_IMPORTED_MODULE_0__/* .isMistake */ .VF)(entry, url) ? documented(entry) : undefined;
}
function documented({ name, uploadUrl }) {
    return `The upload URL of ${name} is ${uploadUrl}.`;
}


/***/ }),

/***/ 5979:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  m: () => (/* binding */ publish)
});

// EXTERNAL MODULE: ./lib/errors.js
var lib_errors = __nccwpck_require__(452);
// EXTERNAL MODULE: ./lib/inputs.js + 4 modules
var lib_inputs = __nccwpck_require__(9303);
// EXTERNAL MODULE: ./lib/material.js
var lib_material = __nccwpck_require__(1242);
;// CONCATENATED MODULE: ./lib/package-index/outcome.js
/** What can become of one file. The last five fail the step. */
const OUTCOMES = (/* unused pure expression or super */ null && ([
    'published',
    'already-published',
    'skipped',
    'would-publish',
    'conflict',
    'rejected',
    'unconfirmed',
    'no-answer',
    'not-tried',
]));
/** Whether a file with this outcome makes the step fail. */
function failsStep(outcome) {
    return ['conflict', 'rejected', 'unconfirmed', 'no-answer', 'not-tried'].includes(outcome);
}
function resultOf({ file, project, version, kind, sha256, size }, story) {
    const what = { file, project, version, kind, sha256, size };
    const nothing = { verified: 'no', attempts: 0, milliseconds: 0 };
    return { ...what, ...nothing, code: undefined, message: undefined, hint: undefined, ...story };
}
/** The words of a problem, as a file's. */
function wordsOfProblem(problem) {
    return { code: problem?.code, message: problem?.message, hint: problem?.hint };
}
/**
 * A file that is not sent because of `problem`. It is told where it happened: repeated for each file, it would be the
 * whole log. Undefined: the run ended before its turn.
 */
function notTried(distribution, problem) {
    return resultOf(distribution, {
        outcome: 'not-tried',
        code: problem?.code,
        message: problem === undefined ? 'not sent: the run ended before its turn' : 'not sent, because of an earlier fault',
    });
}

;// CONCATENATED MODULE: ./lib/package-index/existing.js

/** A file that is on the index with these very bytes. */
function present(distribution, outcome, sent, verified = 'sha256') {
    return resultOf(distribution, {
        outcome,
        verified,
        attempts: sent.attempts ?? 0,
        milliseconds: sent.milliseconds ?? 0,
    });
}
/** A file whose name is on the index, with other bytes or with bytes that cannot be compared. It was not replaced. */
async function occupied(distribution, finding, policy, sent, signal) {
    const { skipExisting, difference } = policy;
    const { url } = finding;
    const details = url === undefined ? '' : await difference(distribution, url, signal);
    const message = `${whatIsThere(distribution, finding)}${details === '' ? '' : ` (${details})`}${upstreams(policy)}`;
    return resultOf(distribution, {
        outcome: skipExisting ? 'skipped' : 'conflict',
        code: 'E_INDEX_CONFLICT',
        message: skipExisting ? `${message}; it was left as it is` : message,
        hint: skipExisting ? undefined : hintFor(policy),
        ...sent,
    });
}
function whatIsThere({ sha256 }, finding) {
    if (finding.state === 'other') {
        return `the index has a file of this name with other bytes: ${finding.listed} there, sha256 ${sha256} here`;
    }
    return `the index has a file of this name, and its bytes cannot be compared with sha256 ${sha256} here: ${finding.why}`;
}
function upstreams({ mergesUpstreams }) {
    return mergesUpstreams ? '; a repository that merges others shows their files too' : '';
}
function hintFor({ runAttempt }) {
    const rerun = runAttempt > 1
        ? ` This is attempt ${runAttempt} of the run: "Re-run all jobs" builds again, and a second build has other bytes. Build in a job of its own, and "Re-run failed jobs" sends the same files.`
        : '';
    return `Publish the files that were published first, or a new version; \`skip-existing: true\` leaves what is there and goes on.${rerun}`;
}
/** Files that are beside the skipped ones afterwards; in a dry run: would be. */
const ADDED = ['published', 'would-publish'];
/** Files of two builds of one version, side by side on the index: what `skip-existing` can come to. */
function mixtureWarning(results) {
    const skipped = results.filter(({ outcome }) => outcome === 'skipped');
    const mixed = skipped.find(({ project, version }) => results.some((one) => ADDED.includes(one.outcome) && one.project === project && one.version === version));
    if (mixed === undefined)
        return undefined;
    return `${mixed.project} ${mixed.version} on the index becomes a mixture of two builds: ${mixed.file} there has other bytes than this build's, and other files of this build are added`;
}

// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __nccwpck_require__(8500);
// EXTERNAL MODULE: ./lib/package-index/retry-after.js
var retry_after = __nccwpck_require__(2200);
// EXTERNAL MODULE: ./lib/package-index/simple-index.js
var simple_index = __nccwpck_require__(538);
;// CONCATENATED MODULE: ./lib/package-index/lookups.js


/** Milliseconds after which a lookup counts no more: somebody else may have published since. */
const STALE_AFTER = 10_000;
const ABSENT = { state: 'absent' };
/** What the index has of the projects of one run: asked once a project, and again when that is long ago. */
class Lookups {
    #access;
    #distributions;
    #lookups = new Map();
    constructor(access, distributions) {
        this.#access = access;
        this.#distributions = Map.groupBy(distributions, ({ project }) => project);
    }
    /** All projects, side by side. Rejects with the first LookupFailure, or with the signal's reason. */
    async all(signal) {
        const projects = [...this.#distributions.keys()];
        const found = await Promise.all(projects.map(async (one) => [one, await this.#lookUp(one, signal)]));
        return new Map(found);
    }
    /** What the index has of one file, by a lookup that is not stale. Rejects as `all` does. */
    async recent({ project, file }, signal) {
        const known = this.#lookups.get(project);
        const isRecent = known !== undefined && performance.now() - known.at < STALE_AFTER;
        const { files } = await (isRecent ? known.findings : this.#lookUp(project, signal));
        return files.get(file) ?? ABSENT;
    }
    /** What the index has of one file now; undefined when it does not say. Rejects with the signal's reason. */
    async now(distribution, signal) {
        const { project, file } = distribution;
        try {
            const { files } = await askPatiently(this.#access, project, [distribution], 'json', signal);
            return files.get(file) ?? ABSENT;
        }
        catch (error) {
            if (error instanceof simple_index/* LookupFailure */.B)
                return undefined;
            throw error;
        }
    }
    #lookUp(project, signal) {
        const files = this.#distributions.get(project) ?? [];
        const findings = askPatiently(this.#access, project, files, 'json', signal);
        // Whoever awaits it hears of its end; one that nobody awaits any more must not end the process.
        findings.catch(() => { });
        this.#lookups.set(project, { at: performance.now(), findings });
        return findings;
    }
}
/**
 * A lookup that is tried again where that may help, in the pace of the server. `patience` ends the wait for its turn, not
 * the lookup itself. Rejects with LookupFailure, or with the reason of the signal that ended it.
 */
async function askPatiently({ ask, pace, retries, slots }, project, distributions, prefer, signal, patience = signal) {
    for (let left = retries;; left -= 1) {
        const turn = await pace.turn(patience);
        try {
            const findings = await slots.use(() => ask(project, distributions, prefer, signal), patience);
            pace.answered(turn);
            return findings;
        }
        catch (error) {
            if (!(error instanceof simple_index/* LookupFailure */.B) || error.retry === undefined)
                throw error;
            const { afterMs } = error.retry;
            if ((afterMs ?? 0) > retry_after/* LONGEST_WAIT */.dX || !pace.failed(turn, afterMs) || left === 0)
                throw error;
        }
        finally {
            pace.left(turn);
        }
    }
}

;// CONCATENATED MODULE: ./lib/package-index/confirm.js



/** Milliseconds: the first pause between two looks, and the longest one. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;
/**
 * Waits until the index lists files of which a server said that it has them: it may make its pages some time later, and
 * caches may hold the old ones back, JSON and HTML apart. One page a project and look; `timeoutMs` is for all together.
 *
 * `onEnd` is called once for each file, as soon as it is known. Rejects with the signal's reason.
 */
async function confirm_confirm(distributions, access, timeoutMs, onEnd, signal) {
    const start = performance.now();
    // A last look begins at the end of the time, and waits no longer than one silent page of another project.
    const over = AbortSignal.timeout(timeoutMs + access.longestMs);
    const projects = Map.groupBy(distributions, ({ project }) => project);
    const waits = [...projects].map(([project, files]) => {
        const wait = { project, start, timeoutMs, access, signal, over };
        return confirmProject(files, wait, onEnd);
    });
    await Promise.all(waits);
}
async function confirmProject(distributions, wait, onEnd) {
    let pending = distributions;
    let prefer = 'json';
    for (let pause = FIRST_PAUSE;; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
        const { files, problem, isFinal } = await look(pending, prefer, wait);
        const listed = pending.filter(({ file }) => isListed(files.get(file)));
        for (const one of listed) {
            const finding = files.get(one.file);
            if (isListed(finding))
                await onEnd(one, finding);
        }
        pending = pending.filter((one) => !listed.includes(one));
        const waitedMs = performance.now() - wait.start;
        const left = wait.timeoutMs - waitedMs;
        if (pending.length === 0)
            return;
        if (left <= 0 || isFinal) {
            for (const one of pending)
                await onEnd(one, { state: 'missing', waitedMs, problem });
            return;
        }
        await (0,promises_.setTimeout)(Math.min(pause, left), undefined, { signal: wait.signal }).catch(() => wait.signal.throwIfAborted());
        prefer = prefer === 'json' ? 'html' : 'json';
    }
}
/** Whether the index has a file of this name, whatever its bytes. */
function isListed(finding) {
    return finding !== undefined && finding.state !== 'absent';
}
/** The wait is the retry. */
async function look(distributions, prefer, { project, access, signal, over }) {
    const patience = AbortSignal.any([signal, over]);
    try {
        const once = { ...access, retries: 0 };
        const { files } = await askPatiently(once, project, distributions, prefer, signal, patience);
        return { files, problem: undefined, isFinal: false };
    }
    catch (error) {
        signal.throwIfAborted();
        if (error === over.reason)
            return { files: new Map(), problem: undefined, isFinal: true };
        if (!(error instanceof simple_index/* LookupFailure */.B))
            throw error;
        return { files: new Map(), problem: error.problem, isFinal: error.retry === undefined };
    }
}

;// CONCATENATED MODULE: ./lib/package-index/slots.js
/** At most so many at the same time; who waits longest is next. */
class Slots {
    #free;
    #waiting = [];
    constructor(free) {
        this.#free = free;
    }
    /** Runs `work` when there is room for it. Rejects with the signal's reason when it ends before. */
    async use(work, signal) {
        await this.#take(signal);
        try {
            return await work();
        }
        finally {
            this.#give();
        }
    }
    async #take(signal) {
        signal.throwIfAborted();
        if (this.#free > 0) {
            this.#free -= 1;
            return;
        }
        const { promise, resolve, reject } = Promise.withResolvers();
        const leave = () => {
            const place = this.#waiting.indexOf(resolve);
            // Whoever was called up already has the room, and gives it back.
            if (place < 0)
                return;
            this.#waiting.splice(place, 1);
            reject(signal.reason);
        };
        this.#waiting.push(resolve);
        signal.addEventListener('abort', leave);
        try {
            await promise;
        }
        finally {
            signal.removeEventListener('abort', leave);
        }
    }
    #give() {
        const next = this.#waiting.shift();
        if (next === undefined)
            this.#free += 1;
        else
            next();
    }
}

;// CONCATENATED MODULE: ./lib/package-index/sequence.js



/**
 * Sends files side by side, in an order that is safe: of a project that the index does not know its smallest wheel goes
 * alone, since the first file makes the project; sdists go after all wheels of their project, and one is held back when
 * a wheel of its version failed: users of that wheel's platform would build from source without knowing. A fault ends
 * its file, its project or the run.
 *
 * @returns what ended the run early
 * @throws what `send` rejects with (the run was cancelled), when every file has been told
 */
async function sendInOrder(sequence) {
    const sender = new Sender(sequence);
    const projects = Map.groupBy(sequence.distributions, ({ project }) => project);
    await Promise.all([...projects].map(([project, files]) => sender.sendProject(project, files)));
    return sender.finish();
}
/** Each file gets its turn, if only to be told that it was not sent. */
const ALWAYS = new AbortController().signal;
class Sender {
    #sequence;
    #slots;
    #known;
    #failedWheels;
    /** By project: why no more of its files are sent. */
    #stopped = new Map();
    #newProjects;
    #ended;
    #interruption;
    constructor(sequence) {
        this.#sequence = sequence;
        this.#slots = new Slots(sequence.maxParallel);
        this.#known = new Set(sequence.known);
        this.#failedWheels = [...sequence.failedWheels];
    }
    finish() {
        if (this.#interruption !== undefined)
            throw this.#interruption.error;
        return this.#ended;
    }
    async sendProject(project, files) {
        const wheels = files.filter(({ kind }) => kind === 'wheel');
        const sdists = files.filter(({ kind }) => kind === 'sdist');
        for (const group of [wheels, sdists]) {
            const left = [...group];
            while (!this.#known.has(project) && left.length > 0)
                await this.#send(takeSmallest(left));
            await Promise.all(left.map((one) => this.#send(one)));
        }
    }
    async #send(distribution) {
        await this.#slots.use(async () => {
            const held = this.#heldBack(distribution);
            if (held === undefined)
                await this.#sendNow(distribution);
            else
                this.#sequence.onResult(held);
        }, ALWAYS);
    }
    async #sendNow(distribution) {
        const { send, hasBegun, onEnd, onResult } = this.#sequence;
        try {
            const end = await send(distribution);
            this.#learn(distribution, end);
            onEnd(distribution, end);
        }
        catch (error) {
            this.#interruption ??= { error };
            const [problem] = (0,lib_errors/* problemsOf */.GW)(error);
            this.#ended ??= problem;
            this.#noteFailure(distribution);
            onResult(hasBegun(distribution) ? interrupted(distribution, problem) : notTried(distribution, problem));
        }
    }
    #learn(distribution, { failed, problem, ends, refusesNewProjects }) {
        const { project } = distribution;
        if (failed)
            this.#noteFailure(distribution);
        else
            this.#known.add(project);
        if (ends === 'run')
            this.#ended ??= problem;
        if (ends === 'project' && problem !== undefined)
            this.#stopped.set(project, problem);
        if (refusesNewProjects)
            this.#newProjects ??= problem;
    }
    #noteFailure(distribution) {
        if (distribution.kind === 'wheel')
            this.#failedWheels.push(distribution);
    }
    #heldBack(distribution) {
        const { project, version, kind } = distribution;
        const refused = this.#known.has(project) ? undefined : this.#newProjects;
        const problem = this.#ended ?? this.#stopped.get(project) ?? refused;
        if (problem !== undefined) {
            this.#noteFailure(distribution);
            return notTried(distribution, problem);
        }
        if (kind === 'wheel')
            return undefined;
        const failed = this.#failedWheels.filter((wheel) => wheel.project === project && wheel.version === version);
        return failed.length === 0 ? undefined : withoutItsWheels(distribution, failed);
    }
}
/** A project's first file is the one that costs least when the index refuses the project. */
function takeSmallest(files) {
    const [first, ...others] = files;
    if (first === undefined)
        throw new Error('there is no file left');
    const smallest = others.reduce((best, one) => (one.size < best.size ? one : best), first);
    files.splice(files.indexOf(smallest), 1);
    return smallest;
}
function withoutItsWheels(distribution, failed) {
    const [first] = failed;
    const others = failed.length === 1 ? '' : ` and ${failed.length - 1} more`;
    const lines = failed.map(({ shown }) => `!${shown}`).slice(0, 3);
    return resultOf(distribution, {
        outcome: 'not-tried',
        message: `not sent, because the wheel ${first?.file}${others} of the same version did not succeed: whoever needs that wheel would build from source`,
        hint: `Mend that first; to publish this file all the same, list in \`files\` what is published and exclude the wheel there: ${lines.join(' ')}`,
    });
}
/** Nobody knows how much of it the server had. */
function interrupted(distribution, problem) {
    return resultOf(distribution, {
        outcome: 'no-answer',
        attempts: 1,
        code: problem?.code,
        message: `ended while it was being sent, so it may or may not be on the index: ${problem?.message ?? 'unknown fault'}`,
    });
}

;// CONCATENATED MODULE: ./lib/package-index/chunk-buffers.js
/** Bytes of one chunk of a file. More than a socket buffers by itself (64 KiB), so that each chunk is waited for. */
const CHUNK_BYTES = 256 * 1024;
/** Buffers of one upload: one that is handed out, one that is held back, one that is read into. */
const RING_LENGTH = 3;
/**
 * Lends buffers to uploads and uses them again: a new one for each chunk costs more time than to read and encrypt it, and
 * leaves 100 MB to the garbage collector.
 */
class ChunkBuffers {
    #free = [];
    take() {
        return this.#free.pop() ?? Array.from({ length: RING_LENGTH }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
    }
    /** Only when the server has answered all of the request: until then a connection may still read them. */
    give(ring) {
        this.#free.push(ring);
    }
}

// EXTERNAL MODULE: ./lib/package-index/exchange.js
var package_index_exchange = __nccwpck_require__(1588);
// EXTERNAL MODULE: ./lib/package-index/explain.js + 1 modules
var package_index_explain = __nccwpck_require__(6878);
;// CONCATENATED MODULE: ./lib/package-index/form.js
/** The form names that are not the field's own name with underscores; other repeated fields keep their singular. */
const FORM_NAMES = new Map([
    ['classifier', 'classifiers'],
    ['project-url', 'project_urls'],
]);
/**
 * The text fields of an upload form (the "legacy" API of PyPI, which private indexes copy), without the file itself.
 * Equal to what twine 7 sends, as a multimap, with these exceptions: a folded Description is unfolded and `UNKNOWN` is
 * left out (both by the metadata's reader), `import_name` and `import_namespace` are sent, `requires_python` is always
 * there, and blake2 is not. The values are text as it goes on the wire: no line end may be changed.
 */
function formFields(distribution) {
    const { metadata, kind, pythonVersion, sha256, md5 } = distribution;
    const fields = [
        [':action', 'file_upload'],
        ['protocol_version', '1'],
        ['filetype', kind === 'wheel' ? 'bdist_wheel' : 'sdist'],
        ['pyversion', pythonVersion],
    ];
    for (const [name, values] of metadata.fields) {
        if (name === 'license-file' && !hasLicenseFiles(metadata.metadataVersion))
            continue;
        for (const value of values)
            fields.push([formName(name), name === 'name' ? displayName(value) : value]);
    }
    // GitLab refuses a form without it; PyPI takes the empty text for absent.
    if (!metadata.fields.has('requires-python'))
        fields.push(['requires_python', '']);
    fields.push(['sha256_digest', sha256]);
    if (md5 !== undefined)
        fields.push(['md5_digest', md5]);
    return fields;
}
function formName(field) {
    return FORM_NAMES.get(field) ?? field.replaceAll('-', '_');
}
/** Neither raw nor normalised: indexes show the project under this name, and twine's users are used to it. */
function displayName(name) {
    return name.replace(/[^A-Za-z0-9.]+/g, '-');
}
/** setuptools wrote License-File years before metadata 2.4 defined it (PEP 639): until then it is not sent. */
function hasLicenseFiles(metadataVersion) {
    const [major = 0, minor = 0] = (metadataVersion ?? '').split('.').map(Number);
    return major > 2 || (major === 2 && minor >= 4);
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __nccwpck_require__(7598);
;// CONCATENATED MODULE: ./lib/package-index/multipart.js

/**
 * Text fields in their order, then the file as `content`. Values go out byte for byte: a browser's encoder would turn
 * each LF of a description into CRLF, and a digest over it would no longer fit.
 */
function multipartForm(fields, file) {
    // 128 random bits: neither a field nor the file can be made to contain it.
    const boundary = `form-${(0,external_node_crypto_.randomBytes)(16).toString('hex')}`;
    const parts = fields.map(([name, value]) => `${disposition(boundary, name)}\r\n\r\n${value}\r\n`);
    const start = `${disposition(boundary, 'content')}; filename="${quoted(file.filename)}"`;
    const head = Buffer.from(`${parts.join('')}${start}\r\nContent-Type: application/octet-stream\r\n\r\n`, 'utf8');
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
    const contentLength = head.length + file.size + tail.length;
    return {
        contentType: `multipart/form-data; boundary=${boundary}`,
        contentLength,
        async *body(signal, ring) {
            yield head;
            yield* file.content(signal, ring);
            yield tail;
        },
        whole(buffer) {
            if (contentLength > buffer.length)
                return undefined;
            head.copy(buffer);
            file.readWhole(buffer.subarray(head.length, head.length + file.size));
            tail.copy(buffer, head.length + file.size);
            return buffer.subarray(0, contentLength);
        },
    };
}
/** A text part has no file name and no type: several indexes take whatever has one for a file. */
function disposition(boundary, name) {
    return `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`;
}
/** What would end the quoted text or the line, as browsers write it (HTML, "multipart/form-data encoding algorithm"). */
function quoted(text) {
    return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

// EXTERNAL MODULE: ./lib/package-index/no-answer.js
var no_answer = __nccwpck_require__(4653);
// EXTERNAL MODULE: ./lib/package-index/redirect.js
var redirect = __nccwpck_require__(9917);
;// CONCATENATED MODULE: ./lib/package-index/upload.js









/**
 * Sends one distribution with the legacy upload API (PyPI's "file_upload", which private indexes copy), and sends it
 * again where that may help: never before the index was asked whether it has the file after all, never against an answer
 * that is final, and not a third time where the connection died twice at one place.
 *
 * @throws the signal's reason when the run is cancelled
 */
async function uploadDistribution(distribution, target, look, signal) {
    const start = performance.now();
    const form = formOf(distribution);
    const tries = { attempts: 0, uncertain: false, died: undefined };
    let turn = await target.pace.turn(signal);
    for (let left = target.retries;; left -= 1) {
        const { verdict, exchange, mayRepeat } = await inTurn(turn, form, distribution, target, tries, signal);
        const isOpen = exchange.started && (exchange.answer === undefined || verdict.retry !== undefined);
        tries.uncertain ||= isOpen && exchange.sent === form.contentLength;
        const asks = isOpen || (tries.uncertain && verdict.outcome !== 'published');
        const found = asks ? await look?.(distribution, signal) : undefined;
        const isThere = found !== undefined && found.state !== 'absent';
        const isBlind = look !== undefined && found === undefined;
        const isDeath = exchange.started && exchange.answer === undefined;
        const twice = isDeath && isSamePlace(tries.died, exchange, form);
        const last = twice && !isThere ? (0,no_answer/* twiceAtOnePlace */.nz)(exchange, form.contentLength) : afterTries(verdict, tries);
        const { attempts, uncertain } = tries;
        const milliseconds = Math.round(performance.now() - start);
        const notBefore = laterThanThisRun(verdict, target.now());
        const end = { ...last, attempts, milliseconds, status: exchange.answer?.status, found, notBefore, uncertain };
        if (!mayRepeat || left === 0 || isThere || (isOpen && isBlind) || twice)
            return end;
        tries.died = isDeath ? exchange : undefined;
        turn = await target.pace.turn(signal);
        if (!target.pace.isOver)
            continue;
        // The others have shown meanwhile that it is of no use.
        target.pace.left(turn);
        return end;
    }
}
function laterThanThisRun({ retry }, now) {
    const wait = retry?.afterMs ?? 0;
    return wait > retry_after/* LONGEST_WAIT */.dX ? new Date(now.getTime() + wait) : undefined;
}
/** A file of which something was sent was tried, also where the last connection never stood. */
function afterTries(verdict, { attempts }) {
    return verdict.outcome === 'not-tried' && verdict.ends === 'run' && attempts > 0
        ? { ...verdict, outcome: 'no-answer' }
        : verdict;
}
async function inTurn(turn, form, distribution, target, tries, signal) {
    const { pace } = target;
    try {
        const { verdict, exchange, sends } = await tryOnce(form, distribution, target, tries.died !== undefined, signal);
        tries.attempts += sends;
        const { retry } = verdict;
        const mayRepeat = retry !== undefined && (retry.afterMs ?? 0) <= retry_after/* LONGEST_WAIT */.dX;
        if (mayRepeat)
            return { verdict, exchange, sends, mayRepeat: pace.failed(turn, retry.afterMs) };
        if (exchange.answer !== undefined)
            pace.answered(turn);
        return { verdict, exchange, sends, mayRepeat };
    }
    finally {
        pace.left(turn);
    }
}
/** Bytes. How far two deaths at one limit may lie apart: what waits in the buffers of two machines differs. */
const SAME_PLACE = 6 * 1024 * 1024;
/** A small body is in the buffers as a whole before anything dies: its place is not known. */
function isSamePlace(before, now, { contentLength }) {
    if (before === undefined || contentLength <= SAME_PLACE)
        return false;
    return Math.abs(before.sent - now.sent) <= Math.max(SAME_PLACE, contentLength / 10);
}
function formOf(distribution) {
    return multipartForm(formFields(distribution), {
        filename: distribution.file,
        size: distribution.size,
        content: (signal, ring) => distribution.content.content(CHUNK_BYTES, signal, ring),
        readWhole: (into) => distribution.content.readWhole(into),
    });
}
async function tryOnce(form, distribution, target, carefully, signal) {
    let { url } = target;
    const request = { form, distribution, target, carefully };
    let exchange = await send(request, url, signal);
    let sends = exchange.started ? 1 : 0;
    const repeated = exchange.answer && (0,redirect/* repeatableTarget */.$m)(exchange.answer, url);
    if (repeated !== undefined) {
        url = repeated;
        exchange = await send(request, url, signal);
        if (exchange.started)
            sends += 1;
    }
    const verdict = await withReason(judge(exchange, form, url, distribution, target), target, signal);
    return { verdict, exchange, sends };
}
async function send({ form, distribution, target, carefully }, url, signal) {
    const { dispatcher, authorization, userAgent, idleTimeoutMs, holdBackMs: longest, buffers } = target;
    const headers = {
        // JSON first: PyPI's relatives and devpi then put their words where they are easiest to read.
        accept: 'application/json, text/plain;q=0.9, text/html;q=0.8, */*;q=0.1',
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
    };
    const holdBackMs = carefully ? Math.min(longest, idleTimeoutMs / 2) : 0;
    const onSent = (bytes) => target.onSent(distribution, bytes);
    const ring = buffers.take();
    const exchange = await (0,package_index_exchange/* post */.bE)({ dispatcher, url, headers, form, ring, idleTimeoutMs, holdBackMs, onSent }, signal);
    if (exchange.answer !== undefined && exchange.sent === form.contentLength)
        buffers.give(ring);
    return exchange;
}
/** A refusal counts whenever it comes; a success only once the whole form was sent. */
function judge(exchange, { contentLength }, url, { project }, target) {
    const { answer, sent } = exchange;
    const { authorization, certificateSubject, secrets, explain } = target;
    if (answer === undefined || (answer.status < 300 && sent < contentLength)) {
        return (0,no_answer/* explainFailure */.SP)({ exchange, contentLength, explain });
    }
    const authorized = authorization !== undefined;
    const now = target.now();
    return (0,package_index_explain/* explainAnswer */.iJ)(answer, { url, project, contentLength, authorized, certificateSubject, secrets, now });
}
/** Fronts say of every certificate that they refuse the same. */
async function withReason(verdict, { likelyReason }, signal) {
    const { problem, doubtsCertificate } = verdict;
    if (problem === undefined || doubtsCertificate === undefined)
        return verdict;
    const { code, message, hint } = problem;
    const reason = await likelyReason(signal);
    return { ...verdict, problem: new lib_errors/* PublishError */.S1({ code, message: `${message}${reason}`, hint }) };
}

;// CONCATENATED MODULE: ./lib/package-index/publish-files.js









/**
 * The second stage of a run: each file is looked up, sent where the index does not have it, and seen on the index
 * afterwards. Nothing is sent before all lookups have been answered.
 *
 * @returns what ended the run early
 * @throws the signal's reason, when every file has been told
 */
async function publishFiles(distributions, request, signal) {
    const lookups = request.access && new Lookups(request.access, distributions);
    const publishing = new Publishing(request, lookups, signal);
    try {
        const missing = await publishing.lookUp(distributions);
        const ended = await publishing.send(missing);
        await publishing.confirm();
        await publishing.settleDoubts();
        return ended;
    }
    catch (error) {
        publishing.abandon();
        if (error instanceof simple_index/* LookupFailure */.B)
            return error.problem;
        throw error;
    }
}
class Publishing {
    #request;
    #lookups;
    #signal;
    #known = new Set();
    #failedWheels = [];
    /** Accepted, and not seen on the index yet. */
    #unseen = new Map();
    /** Not accepted, but a try that got no answer for good may have stored them. */
    #doubtful = new Map();
    constructor(request, lookups, signal) {
        this.#request = request;
        this.#lookups = lookups;
        this.#signal = signal;
    }
    /** The files that the index does not have; the others have their result. */
    async lookUp(distributions) {
        if (this.#lookups === undefined) {
            this.#request.onMissing(distributions);
            return distributions;
        }
        const projects = await this.#lookups.all(this.#signal);
        for (const [project, { known }] of projects)
            if (known)
                this.#known.add(project);
        const findings = new Map(distributions.map((one) => [one, projects.get(one.project)?.files.get(one.file)]));
        const missing = distributions.filter((one) => !isListed(findings.get(one)));
        this.#request.onMissing(missing);
        for (const [one, finding] of findings) {
            if (isListed(finding))
                this.#tell(one, await this.#existing(one, finding));
        }
        return missing;
    }
    async send(distributions) {
        const begun = new Set();
        return await sendInOrder({
            distributions,
            known: this.#known,
            failedWheels: this.#failedWheels,
            maxParallel: this.#request.maxParallel,
            hasBegun: (one) => begun.has(one),
            send: (one) => this.#sendOne(one, begun),
            onEnd: (one, { upload, result, failed }) => {
                this.#request.onSent(one);
                if (result !== undefined)
                    this.#request.onResult(result);
                else if (upload !== undefined)
                    (upload.exists || !failed ? this.#unseen : this.#doubtful).set(one, upload);
            },
            onResult: this.#request.onResult,
        });
    }
    async #sendOne(distribution, begun) {
        const { untried } = this.#request;
        // Not tried is not failed: each file has the same reason.
        if (untried !== undefined)
            return { ...settled(untriedResult(distribution, untried)), failed: false };
        const finding = await this.#lookAgain(distribution);
        if (finding instanceof lib_errors/* PublishError */.S1)
            return lookupEnds(distribution, finding);
        if (isListed(finding))
            return settled(await this.#existing(distribution, finding));
        const { target } = this.#request;
        const onSent = (one, bytes) => {
            begun.add(one);
            target.onSent(one, bytes);
        };
        const look = this.#lookups && ((one, signal) => this.#lookups?.now(one, signal) ?? Promise.resolve(undefined));
        const end = await uploadDistribution(distribution, { ...target, onSent }, look, this.#signal);
        return await this.#stepOf(distribution, end);
    }
    /** A lookup that is long ago counts no more. */
    async #lookAgain(distribution) {
        try {
            return (await this.#lookups?.recent(distribution, this.#signal)) ?? { state: 'absent' };
        }
        catch (error) {
            if (error instanceof simple_index/* LookupFailure */.B)
                return error.problem;
            throw error;
        }
    }
    async #stepOf(distribution, end) {
        const { outcome, problem, ends, exists, found, retry } = end;
        if (found?.state === 'same')
            return { ...settled(present(distribution, 'published', end)), upload: end };
        if (isListed(found))
            return settled(await this.#existing(distribution, found, end));
        if (exists)
            return await this.#existsStep(distribution, end);
        const { access, verify } = this.#request;
        if (outcome === 'published') {
            const result = access === undefined || !verify ? present(distribution, 'published', end, 'no') : undefined;
            return { failed: false, problem, ends, upload: end, result };
        }
        const refuses = retry !== undefined && (retry.afterMs ?? 0) > retry_after/* LONGEST_WAIT */.dX;
        const isDoubtful = access !== undefined && end.uncertain;
        return {
            failed: true,
            problem,
            ends,
            upload: end,
            result: isDoubtful ? undefined : refused(distribution, end),
            ...(refuses && { refusesNewProjects: true }),
        };
    }
    /** One last look, when the pages had the time of all other files. */
    async settleDoubts() {
        for (const [distribution, end] of this.#doubtful) {
            const found = await this.#lookups?.now(distribution, this.#signal);
            this.#doubtful.delete(distribution);
            this.#request.onResult(isListed(found) ? await this.#existing(distribution, found, end) : doubtful(distribution, end));
        }
    }
    /** "It exists" without a proof of its bytes: they are looked at, now if the index lists them, else later. */
    async #existsStep(distribution, end) {
        const finding = await this.#lookups?.now(distribution, this.#signal);
        if (!isListed(finding)) {
            if (this.#lookups === undefined)
                return settled(this.#notComparable(distribution, end, undefined));
            return { failed: false, problem: undefined, ends: 'file', upload: end, result: undefined };
        }
        return settled(await this.#existing(distribution, finding, end));
    }
    /** Waits for what was sent. */
    async confirm() {
        const { access, verifyTimeoutMs } = this.#request;
        if (access === undefined)
            return;
        const onEnd = async (distribution, end) => {
            const upload = this.#unseen.get(distribution);
            if (upload === undefined)
                return;
            this.#unseen.delete(distribution);
            this.#request.onResult(await this.#confirmed(distribution, end, upload));
        };
        await confirm_confirm([...this.#unseen.keys()], access, verifyTimeoutMs, onEnd, this.#signal);
    }
    /** The run ends here: what was sent has its line all the same. */
    abandon() {
        for (const [one, upload] of this.#unseen)
            this.#request.onResult(unconfirmed(one, upload, CANCELLED));
        for (const [one, upload] of this.#doubtful)
            this.#request.onResult(doubtful(one, upload));
        this.#unseen.clear();
        this.#doubtful.clear();
    }
    async #confirmed(distribution, end, upload) {
        if (end.state !== 'missing') {
            if (end.state === 'unknown' && !upload.exists)
                return present(distribution, 'published', upload, 'no');
            return await this.#existing(distribution, end, upload);
        }
        if (upload.exists && !upload.uncertain)
            return this.#notComparable(distribution, upload, end);
        return unconfirmed(distribution, upload, whyMissing(upload, end));
    }
    /** A file that the index lists. `end`: of the upload before, where there was one. */
    async #existing(distribution, finding, end) {
        const sent = end === undefined ? {} : sentOf(end);
        const wasTaken = end?.outcome === 'published';
        if (finding.state === 'same') {
            // What an earlier try of ours stored, the next one finds there.
            const isOurs = wasTaken || end?.uncertain || end?.found !== undefined;
            return present(distribution, isOurs ? 'published' : 'already-published', sent);
        }
        const { policy } = this.#request;
        // Nobody can say that the index's file was left alone where the server took ours as well.
        const strict = wasTaken ? { ...policy, skipExisting: false } : policy;
        return await occupied(distribution, finding, strict, sent, this.#signal);
    }
    /** The server says that the file exists, and the index does not show which bytes. */
    #notComparable(distribution, end, missing) {
        if (end.uncertain)
            return unconfirmed(distribution, end, 'a try before got no answer, and may have stored it');
        const { code, message, hint } = wordsOfProblem(end.problem);
        const why = missing === undefined ? '' : `; ${notListed(missing)}, so its bytes cannot be compared`;
        // Only where nobody looks is the server's word enough to leave it at that.
        const isSkipped = this.#request.policy.skipExisting && missing === undefined;
        const advice = missing === undefined ? UNSEEN_HINT : hint;
        return resultOf(distribution, {
            ...sentOf(end),
            outcome: isSkipped ? 'skipped' : 'rejected',
            code,
            message: `${message}${why}`,
            hint: isSkipped ? undefined : advice,
        });
    }
    #tell(distribution, result) {
        if (distribution.kind === 'wheel' && failsStep(result.outcome))
            this.#failedWheels.push(distribution);
        this.#request.onResult(result);
    }
}
function untriedResult(distribution, why) {
    return why === 'would-publish' ? resultOf(distribution, { outcome: why }) : notTried(distribution, why);
}
const UNSEEN_HINT = 'Give the simple index as `check-url`, and the bytes that are there are compared: the same ones are published already, other ones need a new version.';
const CANCELLED = 'the run was cancelled before the index listed it';
function sentOf(end) {
    const { attempts, milliseconds, requestNumber } = end;
    return { attempts, milliseconds, ...(requestNumber !== undefined && { requestNumber }) };
}
/** What the last answer, or its absence, says. */
function refused(distribution, end) {
    const { outcome, problem, notBefore } = end;
    const words = wordsOfProblem(problem);
    return resultOf(distribution, { ...sentOf(end), outcome, ...words, ...(notBefore !== undefined && { notBefore }) });
}
/** A final no says nothing about the try before it. */
function doubtful(distribution, end) {
    if (end.outcome !== 'rejected' || end.retry !== undefined)
        return refused(distribution, end);
    const words = end.problem?.message ?? 'no';
    return unconfirmed(distribution, end, `a try before got no answer, and may have stored it; then ${words}`);
}
/** A step whose file has its end. */
function settled(result) {
    return { failed: failsStep(result.outcome), problem: undefined, ends: 'file', upload: undefined, result };
}
function lookupEnds(distribution, problem) {
    return { failed: true, problem, ends: 'run', upload: undefined, result: notTried(distribution, problem) };
}
function notListed({ waitedMs, problem }) {
    const reason = problem === undefined ? '' : ` (${problem.message})`;
    return `the index did not list it within ${Math.max(1, Math.round(waitedMs / 1000))} s${reason}`;
}
function whyMissing({ status, exists }, missing) {
    const said = exists ? 'it says that the file exists' : `accepted (${status})`;
    return `${said}, but ${notListed(missing)}`;
}
/** It may well be there: a new build would have other bytes, and then be in conflict. */
function unconfirmed(distribution, end, why) {
    return resultOf(distribution, {
        ...sentOf(end),
        outcome: 'unconfirmed',
        code: 'E_INDEX_UNCONFIRMED',
        message: why,
        hint: 'Do not build again: "Re-run failed jobs" sends the same file, and one that is there is recognised.',
    });
}

// EXTERNAL MODULE: ./lib/encoding/blocks.js + 1 modules
var encoding_blocks = __nccwpck_require__(8210);
// EXTERNAL MODULE: ./lib/encoding/kind.js
var encoding_kind = __nccwpck_require__(6991);
// EXTERNAL MODULE: ./lib/text.js
var lib_text = __nccwpck_require__(8804);
;// CONCATENATED MODULE: ./lib/certificates/bundle.js





/**
 * The CA certificates of a bundle, each once, in their order: PEM, DER, PKCS#7, or OpenSSL's TRUSTED CERTIFICATE, whose
 * settings are dropped (the input itself is the statement of trust). What cannot be used refuses the whole bundle, since
 * OpenSSL would drop it and all that follows without a word. Throws PublishError E_CA_UNREADABLE or E_INPUT_TRUNCATED.
 */
function readBundle(material) {
    const { blocks, broken } = (0,encoding_blocks/* readBlocks */.v_)(material);
    const [fault] = broken;
    if (fault !== undefined)
        throw brokenBlock(fault);
    const certificates = blocks.filter(({ kind }) => kind !== 'parameters').flatMap(readCertificates);
    const distinct = new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate]));
    if (distinct.size > 0)
        return [...distinct.values()];
    throw new lib_errors/* PublishError */.S1({
        code: 'E_CA_UNREADABLE',
        message: `${(0,encoding_blocks/* nameOfMaterial */.Gh)(material)} holds no certificate (${(0,lib_text/* count */.U9)(blocks.length, 'block')} seen)`,
        hint: 'Give the certificates of the CAs in PEM.',
    });
}
function brokenBlock({ where, fault, cutOff }) {
    return new lib_errors/* PublishError */.S1({
        code: cutOff ? 'E_INPUT_TRUNCATED' : 'E_CA_UNREADABLE',
        message: cutOff ? `${where} is cut off: ${fault}` : `${where} cannot be read: ${fault}`,
        hint: 'Store the whole file again, unchanged, or give its path.',
    });
}
function readCertificates(block) {
    if ((0,encoding_kind/* isKeyKind */.uX)(block.kind) || block.kind === 'openssh')
        throw privateKey(block);
    if (block.certificates.length === 0)
        throw stranger(block);
    try {
        return block.certificates.map((der) => new external_node_crypto_.X509Certificate(der));
    }
    catch (cause) {
        throw new lib_errors/* PublishError */.S1({
            code: 'E_CA_UNREADABLE',
            message: `${block.where} holds a certificate that cannot be read: it is damaged`,
            hint: 'Export the certificate again, or take it out of the bundle.',
            cause,
        });
    }
}
function privateKey({ where }) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_CA_UNREADABLE',
        message: `${where} is a private key: a CA bundle holds certificates only`,
        hint: 'Take the key out, and find out who has read it: CA bundles are handed around. The key of the client belongs into client-key.',
    });
}
function stranger({ where, kind }) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_CA_UNREADABLE',
        message: `${where} is ${(0,encoding_kind/* nameOfKind */.lI)(kind)}: a CA bundle holds certificates only`,
        hint: HINTS.get(kind) ?? 'Take it out of the bundle; it has no effect there.',
    });
}
const HINTS = new Map([
    ['pkcs12', 'Convert it with `openssl pkcs12 -in ca.p12 -nokeys -out ca.pem` and give ca.pem.'],
    ['crl', "Give it as client-crl; the server's own certificate is not checked against revocation lists."],
]);

// EXTERNAL MODULE: ./lib/encoding/der.js
var der = __nccwpck_require__(7578);
;// CONCATENATED MODULE: ./lib/certificates/der-node.js

/**
 * One element of DER (X.690, 10.1), read where it lies: what is inside is looked at when it is asked for. All methods
 * throw a plain Error with a short reason where the bytes are no DER, or not what was asked for; the caller knows what
 * they should have been.
 */
class DerNode {
    #source;
    #element;
    constructor(source, element) {
        // BER's indefinite length: signed structures never have it, and two readers could see two ends.
        if (element.contentEnd !== element.end)
            throw new Error('a length is indefinite');
        this.#source = source;
        this.#element = element;
    }
    /** The one element that these bytes are. */
    static of(bytes) {
        const element = (0,der/* elementAt */.s2)(bytes, 0);
        if (element === undefined)
            throw new Error('a length is wrong');
        if (element.end !== bytes.length)
            throw new Error('bytes follow the end');
        return new DerNode(bytes, element);
    }
    /** The identifier octet. */
    get tag() {
        return this.#element.tag;
    }
    /** Tag, length and content. */
    get bytes() {
        return this.#source.subarray(this.#element.start, this.#element.end);
    }
    /** Of a primitive element. */
    get content() {
        if ((this.tag & 0x20) !== 0)
            throw new Error('a structure stands where a value belongs');
        return (0,der/* contentOf */.$E)(this.#source, this.#element);
    }
    get children() {
        if ((this.tag & 0x20) === 0)
            throw new Error('a value stands where a structure belongs');
        const children = (0,der/* childrenOf */.LU)(this.#source, this.#element);
        if (children === undefined)
            throw new Error('a length is wrong');
        return children.map((child) => new DerNode(this.#source, child));
    }
    /** The content under another identifier octet: what IMPLICIT tagging took away (X.680, 31.2.7). */
    as(tag) {
        return new DerNode(this.#source, { ...this.#element, tag });
    }
    is(tag) {
        return this.tag === tag;
    }
}
const DER = {
    boolean: 0x01,
    integer: 0x02,
    bitString: 0x03,
    octetString: 0x04,
    objectIdentifier: 0x06,
    enumerated: 0x0a,
    utcTime: 0x17,
    generalizedTime: 0x18,
    sequence: 0x30,
    set: 0x31,
};
/** Arcs longer than this are no number that JavaScript holds exactly; real ones have two or three bytes. */
const LONGEST_ARC = 7;
/** `2.5.29.37` (X.690, 8.19). */
function objectIdentifier(node) {
    const { content } = node;
    if (!node.is(DER.objectIdentifier) || content.length === 0)
        throw new Error('an object identifier is missing');
    const arcs = [];
    let arc = 0;
    let length = 0;
    for (const byte of content) {
        arc = arc * 128 + (byte & 0x7f);
        length += 1;
        if (length > LONGEST_ARC)
            throw new Error('an object identifier is too long');
        if ((byte & 0x80) !== 0)
            continue;
        arcs.push(arc);
        arc = 0;
        length = 0;
    }
    if (length > 0)
        throw new Error('an object identifier is cut off');
    const [joined = 0, ...rest] = arcs;
    const first = Math.min(2, Math.floor(joined / 40));
    return [first, joined - first * 40, ...rest].join('.');
}
function der_node_boolean(node) {
    if (!node.is(DER.boolean) || node.content.length !== 1)
        throw new Error('a truth value is malformed');
    return node.content[0] !== 0;
}
/** A number from 0 to 2^31-1, INTEGER or ENUMERATED. */
function smallNumber(node) {
    const { content } = node;
    if (content.length === 0 || content.length > 4 || content.readInt8(0) < 0)
        throw new Error('a number is out of range');
    return content.readUIntBE(0, content.length);
}
/** Two's complement in hex: equal where the numbers are, since DER writes each in one way (X.690, 8.3.2). */
function integerHex(node) {
    const digits = node.content.toString('hex');
    if (!node.is(DER.integer) || digits === '')
        throw new Error('a number is missing');
    if (/^(00[0-7]|ff[89a-f])/.test(digits))
        throw new Error('a number is padded');
    return digits;
}
/** UTCTime or GeneralizedTime in the one form that RFC 5280, 4.1.2.5 allows. */
function time(node) {
    const text = node.content.toString('latin1');
    const short = node.is(DER.utcTime);
    if (!(short || node.is(DER.generalizedTime)) || !(short ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) {
        throw new Error('a time is malformed');
    }
    const full = short ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
    const date = new Date(full.replace(/(....)(..)(..)(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
    if (Number.isNaN(+date))
        throw new Error('a time is malformed');
    return date;
}

;// CONCATENATED MODULE: ./lib/certificates/distinguished-name.js


const SHORT_NAMES = new Map([
    ['2.5.4.3', 'CN'],
    ['2.5.4.5', 'serialNumber'],
    ['2.5.4.6', 'C'],
    ['2.5.4.7', 'L'],
    ['2.5.4.8', 'ST'],
    ['2.5.4.10', 'O'],
    ['2.5.4.11', 'OU'],
    ['0.9.2342.19200300.100.1.25', 'DC'],
    ['1.2.840.113549.1.9.1', 'emailAddress'],
]);
/**
 * The relative distinguished names, each in a form in which those that OpenSSL takes for equal are equal: case, runs of
 * blanks and the kind of string do not count (RFC 5280, 7.1; OpenSSL's `x509_name_canon`). Throws an Error.
 */
function canonicalName(name) {
    return name.children.map((rdn) => attributesOf(rdn)
        .map(({ oid, value }) => `${oid}=${canonicalValue(value)}`)
        .sort()
        .join('\n'));
}
/** The values of one attribute. Throws an Error. */
function attributeValues(name, oid) {
    const found = name.children.flatMap(attributesOf).filter((attribute) => attribute.oid === oid);
    return found.map(({ value }) => textOf(value) ?? '');
}
/** `CN=Issuing CA, O=Example`: printable, the most specific part first. Throws an Error. */
function shownName(name) {
    const parts = name.children
        .flatMap(attributesOf)
        .map(({ oid, value }) => `${SHORT_NAMES.get(oid) ?? oid}=${textOf(value) ?? '(unreadable)'}`);
    return (0,lib_text/* printable */.g$)(parts.reverse().join(', '), 160) || '(no name)';
}
function attributesOf(rdn) {
    return rdn.children.map((attribute) => {
        const [id, value] = attribute.children;
        if (id === undefined || value === undefined)
            throw new Error('a name has no value');
        return { oid: objectIdentifier(id), value };
    });
}
function canonicalValue(value) {
    const text = textOf(value);
    if (text === undefined)
        return `#${value.bytes.toString('hex')}`;
    return text
        .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
        .replace(/[ \t-\r]+/g, ' ')
        .replace(/^ | $/g, '');
}
/** Undefined for what is no string (X.690, 8.23). */
function textOf(value) {
    switch (value.tag) {
        case 0x0c:
            return value.content.toString('utf8');
        case 0x13:
        case 0x14:
        case 0x16:
        case 0x1a:
            return value.content.toString('latin1');
        case 0x1e:
            return value.content.length % 2 === 0 ? Buffer.from(value.content).swap16().toString('utf16le') : undefined;
        case 0x1c:
            return universalString(value.content);
        default:
            return undefined;
    }
}
function universalString(content) {
    if (content.length % 4 !== 0)
        return undefined;
    const units = Array.from({ length: content.length / 4 }, (_, index) => content.readUInt32BE(index * 4));
    return units.every((unit) => unit <= 0x10ffff) ? String.fromCodePoint(...units) : undefined;
}
const GENERAL_NAME = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 };
const TEXT_OR_ADDRESS = new Set([GENERAL_NAME.email, GENERAL_NAME.dns, GENERAL_NAME.uri, GENERAL_NAME.ip]);
/** Whole inside too: whoever looks into it later meets no fault. Throws an Error. */
function generalName(node) {
    if ((node.tag & 0xc0) !== 0x80)
        throw new Error('a name is of no known kind');
    const name = { kind: node.tag & 0x1f, node };
    if (TEXT_OR_ADDRESS.has(name.kind) && (node.tag & 0x20) !== 0)
        throw new Error('a name is malformed');
    if (name.kind === GENERAL_NAME.directory)
        canonicalName(directoryName(name));
    return name;
}
/** Of a SEQUENCE, or of what stands for one under an implicit tag. Throws an Error. */
function generalNames(list) {
    return list.children.map(generalName);
}
/** The name inside a directoryName, which is tagged explicitly. Throws an Error. */
function directoryName({ node }) {
    const [name] = node.children;
    if (name === undefined || !name.is(DER.sequence))
        throw new Error('a directory name is empty');
    return name;
}

;// CONCATENATED MODULE: ./lib/certificates/extensions.js




/** Bits of the key usage extension (RFC 5280, 4.2.1.3), in their order. */
const KEY_USAGES = [
    'digitalSignature',
    'nonRepudiation',
    'keyEncipherment',
    'dataEncipherment',
    'keyAgreement',
    'keyCertSign',
    'cRLSign',
    'encipherOnly',
    'decipherOnly',
];
const OID = {
    subjectKeyId: '2.5.29.14',
    keyUsage: '2.5.29.15',
    alternativeNames: '2.5.29.17',
    basicConstraints: '2.5.29.19',
    nameConstraints: '2.5.29.30',
    distributionPoints: '2.5.29.31',
    policies: '2.5.29.32',
    policyMappings: '2.5.29.33',
    policyConstraints: '2.5.29.36',
    authorityKeyId: '2.5.29.35',
    extendedKeyUsage: '2.5.29.37',
    rsaPss: '1.2.840.113549.1.1.10',
};
/** What OpenSSL processes beside them: alternative and constrained names, policies, CRL locations, OCSP without check, IP and AS resources, Netscape's type. */
const PROCESSED = new Set([
    OID.subjectKeyId,
    OID.keyUsage,
    OID.basicConstraints,
    OID.authorityKeyId,
    OID.extendedKeyUsage,
    OID.alternativeNames,
    OID.nameConstraints,
    OID.distributionPoints,
    OID.policies,
    OID.policyMappings,
    OID.policyConstraints,
    '2.5.29.54',
    '1.3.6.1.5.5.7.1.7',
    '1.3.6.1.5.5.7.1.8',
    '1.3.6.1.5.5.7.48.1.5',
    '2.16.840.1.113730.1.1',
]);
/** Signature and digest algorithms whose collisions can be made, so that a signature proves nothing. */
const WEAK_DIGESTS = new Map([
    ['1.2.840.113549.1.1.2', 'MD2'],
    ['1.2.840.113549.1.1.3', 'MD4'],
    ['1.2.840.113549.1.1.4', 'MD5'],
    ['1.2.840.113549.1.1.5', 'SHA-1'],
    ['1.3.14.3.2.29', 'SHA-1'],
    ['1.2.840.10040.4.3', 'SHA-1'],
    ['1.2.840.10045.4.1', 'SHA-1'],
    ['1.2.840.113549.2.5', 'MD5'],
    ['1.3.14.3.2.26', 'SHA-1'],
]);
/**
 * Reads the extensions from the certificate's bytes (RFC 5280, 4.1 and 4.2), as strictly as OpenSSL does: what is
 * malformed or stands there twice is not guessed at. Throws PublishError E_CERT_UNREADABLE.
 */
function readExtensions(certificate) {
    try {
        return read(certificate.raw);
    }
    catch (cause) {
        throw new lib_errors/* PublishError */.S1({
            code: 'E_CERT_UNREADABLE',
            message: `its extensions cannot be read (${(0,lib_text/* printable */.g$)(cause instanceof Error ? cause.message : '', 120)})`,
            hint: 'Ask the CA that issued it for a certificate with well-formed extensions.',
            cause,
        });
    }
}
function read(der) {
    const [tbs, algorithm] = DerNode.of(der).children;
    if (tbs === undefined || algorithm === undefined)
        throw new Error('it is no certificate');
    const fields = tbs.children;
    const [first] = fields;
    const version = first?.is(0xa0) ? first : undefined;
    const [serial, , issuer, , subject] = version === undefined ? fields : fields.slice(1);
    if (serial === undefined || issuer === undefined || subject === undefined)
        throw new Error('it is no certificate');
    // Whoever looks into the names later meets no fault.
    for (const name of [issuer, subject])
        canonicalName(name);
    const extensions = extensionsOf(fields);
    return {
        version: versionOf(version),
        serial: integerHex(serial),
        issuer,
        subject,
        weakDigest: weakDigest(algorithm),
        ...identifiers(extensions),
        ...usage(extensions),
        ...names(extensions),
        ...policies(extensions),
        unknownCritical: [...extensions]
            .filter(([oid, { critical }]) => critical && !PROCESSED.has(oid))
            .map(([oid]) => oid),
    };
}
function readOne(extensions, oid, reader) {
    const extension = extensions.get(oid);
    return extension && reader(DerNode.of(extension.value), extension.critical);
}
function identifiers(extensions) {
    const authority = readOne(extensions, OID.authorityKeyId, ({ children }) => children) ?? [];
    const [keyId, issuer, serial] = [0x80, 0xa1, 0x82].map((tag) => authority.find((node) => node.is(tag)));
    const [name] = issuer === undefined ? [] : generalNames(issuer).filter(({ kind }) => kind === GENERAL_NAME.directory);
    return {
        subjectKeyId: readOne(extensions, OID.subjectKeyId, ({ content }) => content.toString('hex')),
        authorityKeyId: keyId?.content.toString('hex'),
        authorityCertificate: {
            issuer: name && canonicalName(directoryName(name)),
            serial: serial && integerHex(serial.as(DER.integer)),
        },
    };
}
function usage(extensions) {
    return {
        basicConstraints: readOne(extensions, OID.basicConstraints, basicConstraints),
        keyUsage: readOne(extensions, OID.keyUsage, keyUsage),
        purposes: readOne(extensions, OID.extendedKeyUsage, ({ children }) => children.map(objectIdentifier)),
    };
}
function names(extensions) {
    return {
        alternativeNames: readOne(extensions, OID.alternativeNames, (list, critical) => ({
            critical,
            names: generalNames(list),
        })),
        nameConstraints: readOne(extensions, OID.nameConstraints, ({ children }) => ({
            permitted: subtrees(children.find((node) => node.is(0xa0))),
            excluded: subtrees(children.find((node) => node.is(0xa1))),
        })),
        distributionPoints: readOne(extensions, OID.distributionPoints, ({ children }) => children.flatMap(fullNames)) ?? [],
    };
}
function subtrees(list) {
    return (list?.children ?? []).map(({ children: [base] }) => {
        if (base === undefined)
            throw new Error('a name constraint is empty');
        return generalName(base);
    });
}
/** The names of a DistributionPoint or an IssuingDistributionPoint: in both they stand under the same tags. */
function fullNames(point) {
    const [name] = point.children.filter((node) => node.is(0xa0)).flatMap(({ children }) => children);
    return name?.is(0xa0) ? name.children.map(({ bytes }) => bytes) : [];
}
function policies(extensions) {
    const constraints = readOne(extensions, OID.policyConstraints, ({ children }) => children) ?? [];
    const explicit = constraints.find((node) => node.is(0x80));
    return {
        policies: readOne(extensions, OID.policies, ({ children }) => children.map(({ children: [id] }) => {
            if (id === undefined)
                throw new Error('a policy is empty');
            return objectIdentifier(id);
        })),
        explicitPolicyAfter: explicit && smallNumber(explicit),
        mapsPolicies: extensions.has(OID.policyMappings),
    };
}
function versionOf(field) {
    const [version] = field?.children ?? [];
    return version === undefined ? 1 : smallNumber(version) + 1;
}
function extensionsOf(fields) {
    const [list] = fields.find((node) => node.is(0xa3))?.children ?? [];
    return readExtensionList(list);
}
/** The extensions of a certificate, a revocation list or one of its entries, by object identifier. Throws an Error. */
function readExtensionList(list) {
    const extensions = new Map();
    for (const node of list?.children ?? []) {
        const [id, ...rest] = node.children;
        const value = rest.at(-1);
        const flag = rest.length === 2 ? rest[0] : undefined;
        if (id === undefined || value === undefined || rest.length > 2)
            throw new Error('an extension has no value');
        const oid = objectIdentifier(id);
        // Two readers could take one each: RFC 5280, 4.2 forbids it, and OpenSSL refuses the certificate.
        if (extensions.has(oid))
            throw new Error(`extension ${oid} stands there twice`);
        extensions.set(oid, { critical: flag !== undefined && der_node_boolean(flag), value: value.content });
    }
    return extensions;
}
function weakDigest({ children: [id, parameters] }) {
    if (id === undefined)
        throw new Error('the signature has no algorithm');
    const oid = objectIdentifier(id);
    return WEAK_DIGESTS.get(oid === OID.rsaPss ? pssDigest(parameters) : oid);
}
/** RFC 4055, 3.1: without a digest among the parameters it is SHA-1. */
function pssDigest(parameters) {
    const [digest] = parameters?.children.find((node) => node.is(0xa0))?.children ?? [];
    const [id] = digest?.children ?? [];
    return id === undefined ? '1.3.14.3.2.26' : objectIdentifier(id);
}
function basicConstraints({ children: [first, second] }) {
    const flag = first?.is(DER.boolean) ? first : undefined;
    const limit = flag === undefined ? first : second;
    return { ca: flag !== undefined && der_node_boolean(flag), pathLength: limit && smallNumber(limit) };
}
function keyUsage({ content }) {
    const bits = content.subarray(1);
    return KEY_USAGES.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

;// CONCATENATED MODULE: ./lib/certificates/findings.js



/** The chain and, where `withRoot` says so, the root above it. */
function membersOf({ chain, root }, withRoot) {
    const [leaf, ...intermediates] = chain;
    return [
        memberOf(leaf, 'leaf'),
        ...intermediates.map((certificate, index) => memberOf(certificate, `intermediate ${index + 1}`)),
        ...(withRoot && root !== undefined ? [memberOf(root, 'root')] : []),
    ];
}
function memberOf(certificate, position) {
    const member = { certificate, position, subject: (0,lib_text/* subjectOf */.et)(certificate), extensions: undefined };
    const part = undecodable(certificate);
    if (part !== undefined)
        return { ...member, unreadable: `its ${part} cannot be read` };
    try {
        return { ...member, extensions: readExtensions(certificate), unreadable: undefined };
    }
    catch (error) {
        if (!(error instanceof lib_errors/* PublishError */.S1))
            throw error;
        return { ...member, unreadable: error.message };
    }
}
/** Node decodes these only when they are asked for, so that a certificate can be loaded without them. */
function undecodable(certificate) {
    if (Number.isNaN(+certificate.validFromDate) || Number.isNaN(+certificate.validToDate))
        return 'period of validity';
    try {
        return certificate.publicKey.type === 'public' ? undefined : 'public key';
    }
    catch {
        return 'public key';
    }
}
/** `the leaf certificate CN=publisher`, `the intermediate CN=Issuing CA`, `the root CN=Corporate Root`. */
function nameMember({ position, subject }) {
    if (position === 'leaf')
        return `the leaf certificate ${subject}`;
    return position === 'root' ? `the root ${subject}` : `the intermediate ${subject}`;
}

;// CONCATENATED MODULE: ./lib/certificates/conformance.js


/** Bytes (RFC 5280, 4.1.2.2). */
const LONGEST_SERIAL = 20;
const ANY_POLICY = '2.5.29.32.0';
/** Libraries that are stricter than OpenSSL, by what people know them from. */
const GO = 'servers written in Go (Caddy, Traefik)';
const RUSTLS = 'servers that use rustls';
const GO_AND_RUSTLS = `${GO} or with rustls`;
const JAVA = 'servers written in Java';
/**
 * What OpenSSL takes and other servers refuse, which are named: E_CERT_PROFILE, never an error. RFC 5280's profile of
 * certificates, and kinds of keys that not every library knows.
 */
function judgeConformance(members) {
    const [leaf] = members;
    return [
        ...members.flatMap((member, index) => [...serial(member), ...spelling(member, members[index + 1])]),
        ...(leaf === undefined ? [] : leafProfile(leaf)),
        ...rareKey(members),
        ...conformance_policies(members),
    ];
}
function finding(member, what, who) {
    return {
        code: 'E_CERT_PROFILE',
        severity: who === undefined ? 'notice' : 'warning',
        position: member.position,
        subject: member.subject,
        message: `${nameMember(member)} ${what}${who === undefined ? '' : `; ${who} refuse that`}`,
        hint: who === undefined
            ? undefined
            : `Should the server refuse it, ask the team that runs ${(0,lib_text/* issuerOf */.xD)(member.certificate)} for another certificate.`,
    };
}
/** Two's complement: a first digit from 8 on is a negative number, and positive ones have a zero byte there. */
function serial(member) {
    const { serial: digits = '' } = member.extensions ?? {};
    if (/^[89a-f]/.test(digits))
        return [finding(member, 'has a negative serial number', GO)];
    const bytes = digits.length / 2;
    if (bytes <= LONGEST_SERIAL)
        return [];
    return [finding(member, `has a serial number of ${bytes} bytes, where RFC 5280 allows ${LONGEST_SERIAL}`)];
}
/** OpenSSL compares names without regard to case and kind of string; others compare bytes. */
function spelling(member, issuer) {
    const named = member.extensions?.issuer;
    const found = issuer?.extensions?.subject;
    if (named === undefined || found === undefined || named.bytes.equals(found.bytes))
        return [];
    return [finding(member, 'spells the name of its issuer in another way than that CA itself does', GO_AND_RUSTLS)];
}
function leafProfile(leaf) {
    const { extensions } = leaf;
    if (extensions === undefined)
        return [];
    const { version, basicConstraints, subject, alternativeNames } = extensions;
    return [
        ...(version < 3 ? [finding(leaf, `is a certificate of version ${version}`, RUSTLS)] : []),
        ...(basicConstraints?.ca === true ? [finding(leaf, 'says that it is a CA', RUSTLS)] : []),
        ...(subject.children.length === 0 && alternativeNames?.critical === false
            ? [finding(leaf, 'has no subject, and its alternative names are not critical', JAVA)]
            : []),
    ];
}
/** The first of them: the keys of a chain are mostly of one kind. */
function rareKey(members) {
    for (const member of members) {
        if (member.unreadable !== undefined)
            continue;
        const { asymmetricKeyType: type } = member.certificate.publicKey;
        if (type === 'ed448')
            return [finding(member, 'has an Ed448 key', GO_AND_RUSTLS)];
        if (type === 'rsa-pss')
            return [finding(member, 'has a key for RSA-PSS alone', GO_AND_RUSTLS)];
    }
    return [];
}
/**
 * A CA may demand that everything below it is issued under a policy that all agree on (RFC 5280, 6.1; without mappings,
 * which would need the whole of it). OpenSSL looks only when it is told to. A trusted root has no say.
 */
function conformance_policies(members) {
    if (members.some(({ extensions }) => extensions?.mapsPolicies))
        return [];
    let valid = 'any';
    let explicitAfter = Infinity;
    let culprit;
    for (const member of members.filter(({ position }) => position !== 'root').toReversed()) {
        valid = intersection(valid, member.extensions?.policies);
        if (valid !== 'any' && valid.size === 0)
            culprit ??= member;
        explicitAfter = nextLimit(explicitAfter, member);
    }
    if (culprit === undefined || explicitAfter > 0)
        return [];
    const what = 'has no certificate policy that the CAs above it agree on, and one of them demands that';
    return [finding(culprit, what, GO_AND_RUSTLS)];
}
/** RFC 5280, 6.1.4 (h) and (i), and 6.1.5 (a) and (b): the leaf counts even where it is self-issued. */
function nextLimit(before, { position, certificate, extensions }) {
    const isCounted = position === 'leaf' || certificate.subject !== certificate.issuer;
    const left = isCounted ? Math.max(0, before - 1) : before;
    const own = extensions?.explicitPolicyAfter ?? Infinity;
    return position === 'leaf' && own > 0 ? left : Math.min(left, own);
}
function intersection(valid, own) {
    if (own === undefined)
        return new Set();
    if (own.includes(ANY_POLICY))
        return valid;
    return new Set(valid === 'any' ? own : own.filter((policy) => valid.has(policy)));
}

;// CONCATENATED MODULE: ./lib/certificates/path.js
/** Certificates of one name that are looked at as somebody's issuer; renewals and cross certificates are a handful. */
const MOST_OF_ONE_NAME = 64;
/** Links that are tried, each at the cost of a signature, before the best path so far is taken. */
const MOST_LINKS = 200;
/**
 * Builds the path leaf -> intermediates -> anchor (RFC 4158) from the given certificates in any order: each is followed
 * by one whose name it names as issuer and whose key verifies its signature. Of several paths it takes, in this order,
 * one that reaches an anchor, one whose members are valid now, are CAs and name each other rightly, one that ends at a
 * root, the shortest. Cycles and cross certificates cost bounded work.
 */
function buildPath(leaf, others, anchors, now) {
    const pool = new Pool(leaf, others, anchors);
    const members = new Search(pool, now).best(pool.leaf);
    const top = members.at(-1);
    const root = members.length > 1 && top?.isRoot() ? top : undefined;
    const used = new Set(members);
    const intermediates = members.slice(1).filter((member) => member !== root);
    return {
        chain: [leaf, ...intermediates.map(({ certificate }) => certificate)],
        root: root?.certificate,
        anchor: members.findLast(({ trusted }) => trusted)?.certificate,
        unused: pool.given.filter((candidate) => !used.has(candidate)).map(({ certificate }) => certificate),
    };
}
/**
 * Names as OpenSSL compares them: case and runs of blanks do not count (RFC 5280, 7.1). A little wider than its rule,
 * since `checkIssued` decides.
 */
function sameName(a, b) {
    return normalised(a) === normalised(b);
}
/** Whether it names itself as issuer and its own key made its signature: a root, or a leaf that vouches for itself. */
function isSelfSigned(certificate) {
    return sameName(certificate.subject, certificate.issuer) && isSignedBy(certificate, certificate);
}
/** Whether `issuer`'s key made the signature of `certificate`; a key that cannot be decoded made none. */
function isSignedBy(certificate, issuer) {
    try {
        return certificate.verify(issuer.publicKey);
    }
    catch {
        return false;
    }
}
/**
 * The anchors that can play a part in the verification of this path: an issuer is only ever looked up by its name, so
 * all others change nothing (and hundreds of them would not fit into a handshake).
 */
function anchorsInReach(path, anchors) {
    const byName = Map.groupBy(anchors, ({ subject }) => normalised(subject));
    const found = new Set(path.anchor === undefined ? [] : [path.anchor]);
    const names = path.chain.flatMap(({ subject, issuer }) => [normalised(subject), normalised(issuer)]);
    for (const name of new Set(names))
        climbNames(name, byName, found);
    return [...found];
}
function climbNames(name, byName, found) {
    for (const anchor of byName.get(name) ?? []) {
        if (found.size >= MOST_OF_ONE_NAME)
            return;
        if (found.has(anchor))
            continue;
        found.add(anchor);
        climbNames(normalised(anchor.issuer), byName, found);
    }
}
function normalised(name) {
    return (name ?? '')
        .toLowerCase()
        .replace(/[^\S\n]+/g, ' ')
        .replace(/ ?\n ?/g, '\n')
        .trim();
}
class Candidate {
    certificate;
    /** Whether it is among the anchors. */
    trusted;
    #verified = new Map();
    constructor(certificate, trusted) {
        this.certificate = certificate;
        this.trusted = trusted;
    }
    /** Self-signed. Of an anchor the signature may be anything: it is trusted by name and key. */
    isRoot() {
        const { certificate, trusted } = this;
        if (!sameName(certificate.subject, certificate.issuer))
            return false;
        return this.isSignedBy(this) || (trusted && certificate.checkIssued(certificate));
    }
    isSignedBy(issuer) {
        const known = this.#verified.get(issuer);
        if (known !== undefined)
            return known;
        const verified = isSignedBy(this.certificate, issuer.certificate);
        this.#verified.set(issuer, verified);
        return verified;
    }
    /** One name and one key are one CA, however many certificates it has: it cannot stand twice in a path (RFC 4158, 5.2). */
    isSameEntity(other) {
        if (this === other)
            return true;
        if (!sameName(this.certificate.subject, other.certificate.subject))
            return false;
        try {
            return this.certificate.publicKey.equals(other.certificate.publicKey);
        }
        catch {
            return false;
        }
    }
    isValidAt(time) {
        const { validFromDate, validToDate } = this.certificate;
        return validFromDate <= time && time <= validToDate;
    }
}
/** All given certificates, each once, with the anchors first among those of one name. */
class Pool {
    leaf;
    given;
    #byName;
    constructor(leaf, others, anchors) {
        const all = new Map();
        for (const anchor of anchors)
            all.set(anchor.fingerprint256, new Candidate(anchor, true));
        const add = (certificate) => {
            const candidate = all.get(certificate.fingerprint256) ?? new Candidate(certificate, false);
            all.set(certificate.fingerprint256, candidate);
            return candidate;
        };
        this.leaf = add(leaf);
        this.given = [...new Set(others.map(add))].filter((candidate) => candidate !== this.leaf);
        this.#byName = Map.groupBy(all.values(), ({ certificate }) => normalised(certificate.subject));
    }
    named(name) {
        return (this.#byName.get(normalised(name)) ?? []).slice(0, MOST_OF_ONE_NAME);
    }
}
/** Depth first with a budget: hostile bundles (cycles, everybody signs everybody) have more paths than can be walked. */
class Search {
    #pool;
    #now;
    #issuers = new Map();
    #best = [];
    #bestRank = [];
    #links = 0;
    constructor(pool, now) {
        this.#pool = pool;
        this.#now = now;
    }
    best(leaf) {
        this.#climb([leaf]);
        return this.#best;
    }
    /** Walks all paths that begin like this one. True: the search is over. */
    #climb(path) {
        const top = path.at(-1);
        if (top === undefined)
            return true;
        let climbed = false;
        const issuers = top.isRoot() ? [] : this.#issuersOf(top);
        for (const issuer of issuers) {
            if (path.some((member) => member.isSameEntity(issuer)) || !this.#signed(top, issuer))
                continue;
            climbed = true;
            if (this.#climb([...path, issuer]))
                return true;
        }
        return !climbed && this.#offer(path);
    }
    #signed(top, issuer) {
        this.#links += 1;
        return this.#links <= MOST_LINKS && top.isSignedBy(issuer);
    }
    /** The likeliest first, so that a good path is met before the budget ends. */
    #issuersOf(top) {
        const known = this.#issuers.get(top);
        if (known !== undefined)
            return known;
        const ranked = this.#pool
            .named(top.certificate.issuer)
            .map((issuer) => ({ issuer, rank: [this.#linkFaults(top, issuer), this.#distance(issuer)] }))
            .sort((a, b) => compare(a.rank, b.rank) || +b.issuer.certificate.validToDate - +a.issuer.certificate.validToDate);
        const issuers = ranked.map(({ issuer }) => issuer);
        this.#issuers.set(top, issuers);
        return issuers;
    }
    /** 0: an anchor; 1: names one as its issuer; 2: farther away. */
    #distance(issuer) {
        if (issuer.trusted)
            return 0;
        return this.#pool.named(issuer.certificate.issuer).some(({ trusted }) => trusted) ? 1 : 2;
    }
    /** What a server will not like about this issuer. It stays a candidate: the finding has to name it. */
    #linkFaults(top, issuer) {
        const faults = [
            !top.certificate.checkIssued(issuer.certificate),
            !issuer.certificate.ca,
            !issuer.isValidAt(this.#now),
        ];
        return faults.filter(Boolean).length;
    }
    /** Keeps the path if it is the best so far. True: none can be better. */
    #offer(path) {
        const rank = this.#rank(path);
        if (this.#best.length === 0 || compare(rank, this.#bestRank) < 0) {
            this.#best = path;
            this.#bestRank = rank;
        }
        const [reached, faults, end] = rank;
        return reached === 0 && faults === 0 && end === 0;
    }
    #rank(path) {
        const top = path.at(-1);
        const reached = path.some(({ trusted }) => trusted);
        const atRoot = top?.isRoot() === true && (top.trusted || !reached);
        let faults = 0;
        for (const [index, member] of path.entries()) {
            const below = path[index - 1];
            if (below !== undefined)
                faults += this.#linkFaults(below, member);
        }
        return [reached ? 0 : 1, faults, atRoot ? 0 : 1, path.length];
    }
}
function compare(a, b) {
    for (const [index, value] of a.entries()) {
        const difference = value - (b[index] ?? 0);
        if (difference !== 0)
            return difference;
    }
    return 0;
}

;// CONCATENATED MODULE: ./lib/certificates/issuer.js



/** Certificates of the issuer's name that are looked at, and unused CAs whose own paths are built. */
const MOST_LOOKED_AT = 16;
/**
 * A certificate that names its issuer rightly (name and, where both have one, key identifier) but was not signed by that
 * issuer's key: one of the two was altered. Where the identifiers are missing it can also be a CA that was made anew,
 * which is as good a reason not to send the chain that was put together. E_CERT_SIGNATURE, always an error.
 */
function brokenSignature({ path, top, others, anchors }) {
    // A root of the user's file above the top: its signature was verified.
    if (path.root !== undefined)
        return undefined;
    const { certificate, extensions } = top;
    const identified = extensions?.authorityKeyId !== undefined;
    const issuer = [certificate, ...others, ...(identified ? anchors : [])]
        .filter((candidate) => sameName(candidate.subject, certificate.issuer))
        .slice(0, MOST_LOOKED_AT)
        .find((candidate) => namesAsIssuer(top, candidate) && !isSignedBy(certificate, candidate));
    if (issuer === undefined)
        return undefined;
    return {
        code: 'E_CERT_SIGNATURE',
        severity: 'error',
        position: top.position,
        subject: top.subject,
        message: `the signature of ${nameMember(top)} was not made with the key of ${(0,lib_text/* subjectOf */.et)(issuer)}: one of the two was altered, or the CA was made anew under the same name`,
        hint: `Take the certificate and its CA's certificate anew from the team that runs ${(0,lib_text/* issuerOf */.xD)(certificate)}.`,
    };
}
/** `checkIssued` asks for keyCertSign too, which a self-signed leaf does not need. */
function namesAsIssuer({ certificate, extensions }, candidate) {
    if (candidate !== certificate)
        return certificate.checkIssued(candidate);
    return extensions?.authorityKeyId === extensions?.subjectKeyId;
}
/**
 * Why the path does not reach the bundle: E_CERT_UNKNOWN_ISSUER, or E_CERT_INCOMPLETE_CHAIN where a link seems to be
 * missing. An error with `client-ca-bundle`; with `ca-bundle`, which is about the server, a guess and a notice, since many
 * companies use two PKIs.
 */
function missingIssuer(end) {
    const { top, bundle } = end;
    if (bundle === undefined)
        return undefined;
    const severity = bundle === 'ca-bundle' ? 'notice' : 'error';
    return { ...explain(end, bundle), severity, position: top.position, subject: top.subject };
}
/** What to tell when a server refuses a chain that could be compared with no bundle. */
function openQuestion({ path, top }) {
    const issuer = (0,lib_text/* issuerOf */.xD)(top.certificate);
    if (path.chain.length === 1 && path.root === undefined && !isSelfSigned(top.certificate)) {
        return `client-cert holds ${nameMember(top)} alone: a server that does not have the certificate of its issuer ${issuer} cannot accept it`;
    }
    return `client-ca-bundle was not given, so nothing could be said about whether the server trusts ${issuer}, where the chain ends`;
}
function explain(end, bundle) {
    const { path, top, anchors } = end;
    const highest = path.root ?? top.certificate;
    const name = (0,lib_text/* issuerOf */.xD)(highest);
    if (anchors.some((anchor) => sameName(anchor.subject, highest.issuer))) {
        return {
            code: 'E_CERT_UNKNOWN_ISSUER',
            message: `${bundle} holds a CA named ${name}, but with another key than the one that signed ${nameMember(top)}: it was made anew under the same name`,
            hint: `Ask the team that runs ${name} which of its certificates the server trusts, and for a client certificate from that one.`,
        };
    }
    if (path.root !== undefined || isSelfSigned(highest)) {
        const where = path.root === undefined ? 'is self-signed and not' : 'is not';
        return {
            code: 'E_CERT_UNKNOWN_ISSUER',
            message: `the chain ends at ${(0,lib_text/* subjectOf */.et)(highest)}, which ${where} in ${bundle}`,
            hint: `Use a client certificate that a CA in ${bundle} issued, or put the CA that the server trusts for clients into ${bundle}.`,
        };
    }
    return isGap(end) || hasNamesake(end) ? missingLink(end, bundle) : unknownIssuer(name, top, bundle);
}
function missingLink(end, bundle) {
    const { path, top } = end;
    const name = (0,lib_text/* issuerOf */.xD)(top.certificate);
    if (hasNamesake(end)) {
        return {
            code: 'E_CERT_INCOMPLETE_CHAIN',
            message: `client-cert holds a CA named ${name}, but with another key than the one that signed ${nameMember(top)}: it was made anew under the same name, and the certificate of the CA that signed is missing`,
            hint: `Take ${nameMember(top)} and the certificate of ${name} from one delivery of the team that runs it, and store them together.`,
        };
    }
    const alone = path.chain.length === 1 ? 'client-cert holds the leaf without it' : 'client-cert has a gap there';
    return {
        code: 'E_CERT_INCOMPLETE_CHAIN',
        message: `the certificate of ${name}, which issued ${nameMember(top)}, is missing: ${alone}, and ${bundle} does not hold it either`,
        hint: `Append the intermediate certificate of ${name} to client-cert. Should it be a root, ${bundle} belongs to another PKI.`,
    };
}
function unknownIssuer(name, top, bundle) {
    return {
        code: 'E_CERT_UNKNOWN_ISSUER',
        message: `${name}, the issuer of ${nameMember(top)}, is neither in client-cert nor in ${bundle}`,
        hint: `Use a client certificate that a CA in ${bundle} issued; or, if ${name} is an intermediate of such a CA, append its certificate to client-cert.`,
    };
}
function hasNamesake({ others, top }) {
    return others.some(({ subject }) => sameName(subject, top.certificate.issuer));
}
/**
 * Whether a link in the middle is missing rather than the end. Proof: a CA that was given lies outside the path and
 * reaches an anchor by itself. Likely: the leaf stands alone and its issuer does not call itself a root; roots seldom
 * issue leaves.
 */
function isGap({ path, others, anchors, now }) {
    const [leaf, issuer] = path.chain;
    if (leaf !== undefined && issuer === undefined && !/\broot\b/i.test(leaf.issuer))
        return true;
    const authorities = path.unused.filter(({ ca }) => ca).slice(0, MOST_LOOKED_AT);
    return authorities.some((authority) => buildPath(authority, others, anchors, now).anchor !== undefined);
}

;// CONCATENATED MODULE: ./lib/certificates/leftovers.js

/** Certificates that a sentence names. */
const MOST_NAMED = 3;
/** What the sent chain leaves out or moves, compared with what was given: notices of E_CERT_UNTIDY_CHAIN. */
function judgeLeftovers(leaf, others, path) {
    const prints = others.map(({ fingerprint256 }) => fingerprint256);
    const distinct = new Set([leaf.fingerprint256, ...prints]);
    const repeated = others.length + 1 - distinct.size;
    const findings = [];
    if (repeated > 0) {
        const whose = prints.includes(leaf.fingerprint256) ? ', the leaf among them' : '';
        findings.push(notice(leaf, 'extra', `client-cert holds ${(0,lib_text/* count */.U9)(repeated, 'certificate')} more than once${whose}; each is sent once`));
    }
    const { root, unused } = path;
    if (root !== undefined && distinct.has(root.fingerprint256)) {
        findings.push(notice(root, 'root', `client-cert holds the root ${(0,lib_text/* subjectOf */.et)(root)}, which is not sent: servers have their own copy`));
    }
    const [first] = unused;
    if (first !== undefined) {
        const names = unused.slice(0, MOST_NAMED).map(lib_text/* subjectOf */.et).join('; ');
        findings.push(notice(first, 'extra', `client-cert holds ${(0,lib_text/* count */.U9)(unused.length, 'certificate')} outside the leaf's path, not sent: ${names}`));
    }
    return [...findings, ...moved(path, prints), ...added(path, distinct)];
}
/** TLS 1.2 servers may insist on the order (RFC 5246, 7.4.2). */
function moved({ chain }, prints) {
    const places = chain.slice(1).map(({ fingerprint256 }) => prints.indexOf(fingerprint256));
    const known = places.filter((place) => place >= 0);
    const [, first] = chain;
    if (first === undefined || known.every((place, index) => index === 0 || place > (known[index - 1] ?? 0)))
        return [];
    return [notice(first, 'intermediate 1', 'the intermediates in client-cert are not in order; they are sent in order')];
}
function added({ chain }, distinct) {
    return chain.flatMap((certificate, index) => distinct.has(certificate.fingerprint256)
        ? []
        : [
            notice(certificate, `intermediate ${index}`, `${(0,lib_text/* subjectOf */.et)(certificate)} is not in client-cert; it is sent from the CA bundle`),
        ]);
}
function notice(certificate, position, message) {
    return {
        code: 'E_CERT_UNTIDY_CHAIN',
        severity: 'notice',
        position,
        subject: (0,lib_text/* subjectOf */.et)(certificate),
        message,
        hint: undefined,
    };
}

;// CONCATENATED MODULE: ./lib/certificates/name-constraints.js



const COMMON_NAME = '2.5.4.3';
const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';
/** A host name as OpenSSL recognises one in a common name: at least two labels (`cn2dnsid` in its v3_ncons.c). */
const HOST_NAME = /^\w([\w-]*\w)?(\.\w([\w-]*\w)?)+$/;
/** Comparisons; two hostile certificates of 1 MiB would need billions. OpenSSL's own limit is 2^20. */
const MOST_COMPARISONS = 200_000;
/** Constraints that a sentence names. */
const name_constraints_MOST_NAMED = 3;
/**
 * Names that a CA above does not allow (RFC 5280, 4.2.1.10), as OpenSSL compares them: E_CERT_REFUSED at the certificate
 * that has the name. Kinds of names that are not compared here are left to OpenSSL's verdict.
 */
function judgeNameConstraints(members) {
    let left = MOST_COMPARISONS;
    return members.flatMap((member, index) => {
        const names = namesOf(member, index === 0);
        for (const above of members.slice(index + 1)) {
            const constraints = above.extensions?.nameConstraints;
            // A CA may issue itself a certificate for a new key under the same name (RFC 5280, 6.1.4).
            if (constraints === undefined || (index > 0 && isSelfIssued(member)))
                continue;
            left -= names.length * (constraints.permitted.length + constraints.excluded.length);
            if (left < 0)
                return [];
            const fault = names.map((name) => violation(name, constraints)).find((words) => words !== undefined);
            if (fault !== undefined)
                return [notAllowed(member, above, fault)];
        }
        return [];
    });
}
function isSelfIssued({ certificate }) {
    return certificate.subject === certificate.issuer;
}
function notAllowed(member, above, words) {
    return {
        code: 'E_CERT_REFUSED',
        kind: 'structure',
        position: member.position,
        subject: member.subject,
        message: `${nameMember(member)} has the ${words} (name constraints of ${nameMember(above)})`,
        hint: `Ask the team that runs ${above.subject} for a certificate whose names it may issue.`,
    };
}
function namesOf({ extensions }, isLeaf) {
    if (extensions === undefined)
        return [];
    const { subject, alternativeNames } = extensions;
    const others = (alternativeNames?.names ?? []).flatMap(nameOf);
    const text = (kind, value) => ({ kind, value, shown: `name ${(0,lib_text/* printable */.g$)(value, 100)}` });
    const hosts = isLeaf && !others.some(({ kind }) => kind === GENERAL_NAME.dns)
        ? attributeValues(subject, COMMON_NAME).filter((name) => HOST_NAME.test(name))
        : [];
    return [
        ...(subject.children.length === 0 ? [] : [directory(canonicalName(subject), shownName(subject))]),
        ...attributeValues(subject, EMAIL_ADDRESS).map((address) => text(GENERAL_NAME.email, address)),
        ...others,
        ...hosts.map((host) => text(GENERAL_NAME.dns, host)),
    ];
}
function directory(value, shown) {
    return { kind: GENERAL_NAME.directory, value, shown: `name ${shown}` };
}
/** Empty for kinds that are not compared. */
function nameOf(name) {
    const { kind, node } = name;
    if (kind === GENERAL_NAME.directory) {
        const inner = directoryName(name);
        return [directory(canonicalName(inner), shownName(inner))];
    }
    if (kind === GENERAL_NAME.ip)
        return [{ kind, value: node.content, shown: `address ${shownAddress(node.content)}` }];
    if (kind !== GENERAL_NAME.email && kind !== GENERAL_NAME.dns && kind !== GENERAL_NAME.uri)
        return [];
    const value = node.content.toString('latin1');
    return [{ kind, value, shown: `name ${(0,lib_text/* printable */.g$)(value, 100)}` }];
}
/** What is wrong with this name; undefined where nothing is. */
function violation(name, { permitted, excluded }) {
    const mine = (list) => list.filter(({ kind }) => kind === name.kind).flatMap(nameOf);
    const forbidden = mine(excluded).find((base) => isWithin(name, base));
    if (forbidden !== undefined)
        return `${name.shown}, which its CA may not issue`;
    const allowed = mine(permitted);
    if (allowed.length === 0 || allowed.some((base) => isWithin(name, base)))
        return undefined;
    const shown = allowed.slice(0, name_constraints_MOST_NAMED).map((base) => base.shown.replace(/^\w+ /, ''));
    return `${name.shown}, but its CA may only issue names within ${shown.join(', ') || '(none)'}`;
}
function isWithin({ kind, value }, base) {
    if (Array.isArray(value) && Array.isArray(base.value)) {
        return base.value.every((part, index) => part === value[index]);
    }
    if (Buffer.isBuffer(value) && Buffer.isBuffer(base.value))
        return isAddressWithin(value, base.value);
    if (typeof value !== 'string' || typeof base.value !== 'string')
        return false;
    if (kind === GENERAL_NAME.dns)
        return isHostWithin(value, base.value);
    return kind === GENERAL_NAME.email ? isMailWithin(value, base.value) : isUriWithin(value, base.value);
}
/** The domain and what is below it; with a dot in front as well. */
function isHostWithin(host, domain) {
    const [name, base] = [host.toLowerCase(), domain.toLowerCase()];
    if (base === '')
        return true;
    return name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`);
}
/** A mailbox, a host, or with a dot in front all hosts below a domain. The local part's case counts. */
function isMailWithin(address, base) {
    const at = address.lastIndexOf('@');
    const host = address.slice(at + 1).toLowerCase();
    const baseAt = base.lastIndexOf('@');
    const baseHost = base.slice(baseAt + 1).toLowerCase();
    if (baseAt < 0 && baseHost.startsWith('.'))
        return host.endsWith(baseHost);
    if (baseAt > 0 && base.slice(0, baseAt) !== address.slice(0, at))
        return false;
    return at >= 0 && host === baseHost;
}
function isUriWithin(uri, base) {
    const [, host = ''] = /^[^:]+:\/\/([^/?#:]*)/.exec(uri) ?? [];
    const [name, domain] = [host.toLowerCase(), base.toLowerCase()];
    return domain.startsWith('.') ? name.endsWith(domain) && name !== domain : name === domain;
}
/** The base holds an address and a mask of the same length. */
function isAddressWithin(address, base) {
    const { length } = address;
    if (base.length !== length * 2)
        return false;
    return address.every((byte, index) => {
        const mask = base[length + index] ?? 0;
        return (byte & mask) === ((base[index] ?? 0) & mask);
    });
}
/** `10.0.0.1`, `10.0.0.0/255.0.0.0`; hex for IPv6. */
function shownAddress(bytes) {
    if (bytes.length === 4)
        return bytes.join('.');
    if (bytes.length === 8)
        return `${bytes.subarray(0, 4).join('.')}/${bytes.subarray(4).join('.')}`;
    return bytes.toString('hex').slice(0, 64);
}

;// CONCATENATED MODULE: ./lib/certificates/signature.js


/** Digest of each signature algorithm (RFC 3279, 5758, 8410) but for RSASSA-PSS, which has parameters; null: the key's own. */
const ALGORITHMS = new Map([
    ['1.2.840.113549.1.1.4', 'md5'],
    ['1.2.840.113549.1.1.5', 'sha1'],
    ['1.2.840.113549.1.1.14', 'sha224'],
    ['1.2.840.113549.1.1.11', 'sha256'],
    ['1.2.840.113549.1.1.12', 'sha384'],
    ['1.2.840.113549.1.1.13', 'sha512'],
    ['1.2.840.10045.4.1', 'sha1'],
    ['1.2.840.10045.4.3.1', 'sha224'],
    ['1.2.840.10045.4.3.2', 'sha256'],
    ['1.2.840.10045.4.3.3', 'sha384'],
    ['1.2.840.10045.4.3.4', 'sha512'],
    ['1.3.101.112', null],
    ['1.3.101.113', null],
]);
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const DIGESTS = new Map([
    ['1.3.14.3.2.26', 'sha1'],
    ['2.16.840.1.101.3.4.2.4', 'sha224'],
    ['2.16.840.1.101.3.4.2.1', 'sha256'],
    ['2.16.840.1.101.3.4.2.2', 'sha384'],
    ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);
/**
 * Whether this key made the signature; `unknown` for an algorithm that is not read here. A key of another kind than the
 * algorithm's makes no difference: its owner has signed, or not. Never throws.
 */
function isSignatureOf({ content, algorithm, signature }, key) {
    try {
        const [id, parameters] = algorithm.children;
        const oid = id === undefined ? '' : objectIdentifier(id);
        if (oid === RSASSA_PSS)
            return verifyPss(content, signature, key, parameters);
        const digest = ALGORITHMS.get(oid);
        return digest === undefined ? 'unknown' : (0,external_node_crypto_.verify)(digest, content, key, signature);
    }
    catch {
        return false;
    }
}
/** RFC 4055, 3.1. Node makes the mask with the digest of the message: another one is not read. */
function verifyPss(content, signature, key, parameters) {
    const inside = (tag) => parameters?.children.find((node) => node.is(tag))?.children[0];
    const digest = digestOf(inside(0xa0));
    const mask = digestOf(inside(0xa1)?.children[1]);
    if (digest === undefined || mask !== digest)
        return 'unknown';
    const salt = inside(0xa2);
    const saltLength = salt === undefined ? 20 : smallNumber(salt);
    return (0,external_node_crypto_.verify)(digest, content, { key, padding: external_node_crypto_.constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}
function digestOf(algorithm) {
    const id = algorithm?.children[0];
    return id === undefined ? 'sha1' : DIGESTS.get(objectIdentifier(id));
}

;// CONCATENATED MODULE: ./lib/certificates/revocation.js





/**
 * What the given lists say about the chain (RFC 5280, 6.3). Revoked (E_CERT_REVOKED) and a list that the CA of its name
 * did not sign (E_CRL_FORGED) are errors, whatever `chain-check` says. For a CA without a list that could be used
 * (E_CRL_MISSING) or with none that is in force (E_CRL_OUTDATED) there is a warning, and the check goes on: the copy in a
 * secret is stale within days, and servers have their own. Indirect lists are not read.
 */
function judgeRevocation(path, lists, now) {
    const authorities = authoritiesOf(path);
    const names = new Set(authorities.map(({ name }) => nameKey(name)));
    const strangers = lists.filter(({ issuer }) => !names.has(nameKey(issuer)));
    return [
        ...authorities.flatMap((authority) => {
            const mine = lists.filter(({ issuer }) => nameKey(issuer) === nameKey(authority.name));
            return authority.member === undefined
                ? unproven(authority, mine)
                : judgeAuthority(authority, authority.member, mine, now);
        }),
        ...strangers.slice(0, 1).map((list) => unrelated(list, strangers.length, path)),
    ];
}
function nameKey(name) {
    return name.join('\n\n');
}
/** Leaf's CA first. Nothing is said about what stands above the anchor. */
function authoritiesOf(path) {
    const members = membersOf(path, true);
    const end = members.findIndex(({ certificate }) => certificate === path.anchor);
    const [leaf] = members;
    if (members.length === 1 && isSelfSigned(leaf.certificate))
        return [authorityOf(leaf, leaf, [], [leaf])];
    // A trusted certificate is not looked up, and a root has no CA above it.
    const issued = (end < 0 ? members : members.slice(0, end)).filter(({ certificate }) => certificate !== path.root);
    return issued.map((member, index) => {
        const issuer = members[index + 1];
        const root = issuer !== undefined && issuer.certificate === path.root ? [issuer] : [];
        return authorityOf(member, issuer, [member], [member, ...root]);
    });
}
function authorityOf(below, member, wanted, issued) {
    const name = below.extensions === undefined ? [] : canonicalName(below.extensions.issuer);
    return { name, subject: (0,lib_text/* issuerOf */.xD)(below.certificate), member, wanted, issued };
}
function judgeAuthority(authority, ca, lists, now) {
    const signed = lists.map((list) => ({ list, proof: proofOf(list, ca.certificate) }));
    const genuine = signed.filter(({ proof }) => proof === true).map(({ list }) => list);
    const foreign = signed.filter(({ proof }) => proof === false).map(({ list }) => list);
    const unknown = signed.filter(({ proof }) => proof === 'unknown').map(({ list }) => list);
    const keyId = ca.extensions?.subjectKeyId;
    const isNamesake = ({ authorityKeyId }) => genuine.length > 0 && authorityKeyId !== undefined && keyId !== undefined && authorityKeyId !== keyId;
    const forgery = foreign.find((list) => !isNamesake(list));
    return [
        ...authority.issued.flatMap((member) => revoked(member, authority, genuine)),
        ...(forgery === undefined ? [] : [forged(forgery, ca)]),
        ...(forgery !== undefined && genuine.length === 0 ? [] : coverage(authority, ca, genuine, unknown, now)),
    ];
}
function proofOf(list, { publicKey }) {
    return isSignatureOf(list, publicKey);
}
function revoked(member, { subject }, lists) {
    for (const list of lists) {
        const entry = list.find(member.extensions?.serial ?? '');
        if (entry === undefined)
            continue;
        const reason = entry.reason === undefined ? 'no reason given' : `reason: ${entry.reason}`;
        const serial = (0,lib_text/* printable */.g$)(member.certificate.serialNumber, 64);
        return [
            {
                code: 'E_CERT_REVOKED',
                severity: 'error',
                position: member.position,
                subject: member.subject,
                message: `${nameMember(member)} (serial ${serial}) was revoked on ${(0,lib_text/* formatTime */.fU)(entry.date)} (${reason}), says the list of ${subject} of ${(0,lib_text/* formatTime */.fU)(list.thisUpdate)} in ${list.where}`,
                hint: revokedHint(member, subject, entry.reason),
            },
        ];
    }
    return [];
}
function revokedHint({ position }, issuer, reason) {
    if (position !== 'leaf')
        return `The team that runs ${issuer} has to say which CA replaces it; ask for a client certificate from that one.`;
    const again = 'ask for a new client certificate with a new key, then replace client-cert and client-key together. If that is done already, this run was queued before: start a new one.';
    if (reason === 'certificateHold')
        return `It is on hold: ask the team that runs ${issuer} whether it will be released; else ${again}`;
    return `A${again.slice(1)}`;
}
function forged(list, ca) {
    return {
        code: 'E_CRL_FORGED',
        severity: 'error',
        position: ca.position,
        subject: ca.subject,
        message: `${list.where} bears the name of ${ca.subject}, but that CA's key did not sign it: the list was altered, or it is from another CA of this name`,
        hint: `Take the list anew from the team that runs ${ca.subject}, and find out where this one came from.`,
    };
}
/** Whether the lists tell of everything that the CA issued here, and of today. */
function coverage(authority, ca, genuine, unknown, now) {
    const { wanted } = authority;
    if (wanted.length === 0)
        return [];
    const gaps = genuine.map((list) => gapOf(list, ca, wanted));
    const complete = genuine.filter((_, index) => gaps[index] === undefined);
    if (complete.length === 0) {
        const [gap = unknown.length > 0 ? 'its signature algorithm is not read here' : undefined] = gaps;
        const list = genuine[0] ?? unknown[0];
        return [missing(authority, list === undefined ? undefined : `${list.where} cannot tell, since ${gap}`)];
    }
    if (complete.some((list) => list.thisUpdate <= now && (list.nextUpdate === undefined || now <= list.nextUpdate)))
        return [];
    return [outdated(authority, complete, now)];
}
/** Why this list does not tell whether each of them was revoked; undefined: it does. */
function gapOf({ scope }, ca, issued) {
    const { partial, of, distributionPoints } = scope;
    if (partial !== undefined)
        return partial;
    if (ca.extensions?.keyUsage?.includes('cRLSign') === false)
        return `the certificate of ${ca.subject} does not allow it to sign lists (no cRLSign in its key usage)`;
    const isCa = ({ extensions }) => extensions?.basicConstraints?.ca === true;
    if (of !== 'all' && issued.some((member) => isCa(member) !== (of === 'CAs')))
        return `it is about ${of} only`;
    const isElsewhere = ({ extensions }) => !distributionPoints.some((point) => extensions?.distributionPoints.some((own) => own.equals(point)));
    if (distributionPoints.length > 0 && issued.some(isElsewhere))
        return 'it is about certificates that name another place for their list';
    return undefined;
}
function warning(authority, code, message, hint) {
    const [first] = authority.issued;
    const { subject, member } = authority;
    return { code, severity: 'warning', position: (member ?? first)?.position ?? 'leaf', subject, message, hint };
}
function missing(authority, why) {
    const { subject, issued } = authority;
    const [first] = issued;
    const what = first === undefined ? '' : ` whether ${nameMember(first)} was revoked is not known`;
    const start = why === undefined ? `client-crl holds no list of ${subject}` : why;
    return warning(authority, 'E_CRL_MISSING', `${start}:${what}`, `Add the current list of ${subject} to client-crl; servers that have lists need one for each CA of the chain.`);
}
function outdated(authority, lists, now) {
    const { subject } = authority;
    const newest = lists.reduce((a, b) => (b.thisUpdate > a.thisUpdate ? b : a));
    const isEarly = newest.thisUpdate > now;
    const when = isEarly
        ? `is in force only from ${(0,lib_text/* formatTime */.fU)(newest.thisUpdate)}`
        : `is out of date since ${(0,lib_text/* formatTime */.fU)(newest.nextUpdate ?? newest.thisUpdate)}`;
    return warning(authority, 'E_CRL_OUTDATED', `the list of ${subject} in ${newest.where} ${when}: a later revocation is not known`, isEarly
        ? `Check the runner's clock, which says ${(0,lib_text/* formatTime */.fU)(now)}.`
        : `Put the current list of ${subject} into client-crl.`);
}
/** The chain ends below its CA, so that no signature can be checked. */
function unproven(authority, lists) {
    const [list] = lists;
    if (list === undefined)
        return [missing(authority, undefined)];
    const revoking = lists.find((one) => authority.issued.some(({ extensions }) => one.find(extensions?.serial ?? '') !== undefined));
    const says = revoking === undefined ? '' : ', though it names the certificate as revoked';
    return [
        missing(authority, `${(revoking ?? list).where} cannot be proven${says}, since the certificate of ${authority.subject} was not given`),
    ];
}
function unrelated(list, amount, { chain }) {
    const [leaf] = chain;
    const more = amount > 1 ? ` and ${amount - 1} more` : '';
    return {
        code: 'E_CRL_MISSING',
        severity: 'notice',
        position: 'extra',
        subject: list.shownIssuer,
        message: `${list.where} is a list of ${list.shownIssuer}${more}, which issued no certificate in the chain of ${(0,lib_text/* issuerOf */.xD)({ issuer: leaf.subject })}`,
        hint: undefined,
    };
}

;// CONCATENATED MODULE: ./lib/certificates/severity.js

/** Codes by which OpenSSL names what `chain-check: warn` relaxes, and the kind of the fault that explains them. */
const RELAXED = new Map([
    ['CERT_HAS_EXPIRED', 'date'],
    ['CERT_NOT_YET_VALID', 'date'],
    ['INVALID_PURPOSE', 'purpose'],
]);
const WEAK_CODES = new Set(['ERR_SSL_EE_KEY_TOO_SMALL', 'ERR_SSL_CA_KEY_TOO_SMALL', 'ERR_SSL_CA_MD_TOO_WEAK']);
/**
 * Puts verdict and faults together. Accepted: only other servers may mind, except that dates are judged by the clock
 * that was given. Refused: the faults are the cause. Refused for something that no fault explains: OpenSSL's own code is
 * shown (E_CERT_REFUSED, E_CERT_WEAK or E_KEY_UNSUPPORTED). Without a verdict all faults count.
 */
function settle(faults, verdict, leaf, mode) {
    const settled = faults.map((fault) => withSeverity(fault, isTolerated(fault, verdict, mode) ? 'warning' : 'error'));
    return verdict === undefined || isExplained(verdict, faults) ? settled : [...settled, severity_refused(verdict, leaf)];
}
function withSeverity({ kind: _, enforced: __, ...fault }, severity) {
    return { ...fault, severity };
}
function isTolerated({ kind, enforced }, verdict, mode) {
    if (kind !== 'date' && verdict?.accepted)
        return true;
    return mode === 'warn' && kind !== 'structure' && enforced !== true;
}
/**
 * OpenSSL gives one code, the last one that it came across, in this order: critical extensions, CA flags, purposes and
 * path lengths; strength; signatures and dates; name constraints. So a code of dates or purposes may hide a fault of
 * structure, which our own findings have to show (and then it is an error), but never a name outside the constraints,
 * which would have come later and is not looked at here.
 */
function isExplained({ accepted, code = '' }, faults) {
    return accepted || faults.some(({ kind }) => kind === 'structure' || kind === RELAXED.get(code));
}
function severity_refused({ code = 'no code' }, { subject, certificate }) {
    const common = { severity: 'error', position: 'leaf', subject };
    const issuer = (0,lib_text/* issuerOf */.xD)(certificate);
    if (code === 'NOT_SENT') {
        return {
            ...common,
            code: 'E_KEY_UNSUPPORTED',
            message: `TLS has no signature for the kind of key that ${subject} has: the certificate would not be sent`,
            hint: `Ask the team that runs ${issuer} for a certificate with an RSA, P-256, P-384 or Ed25519 key.`,
        };
    }
    return {
        ...common,
        code: WEAK_CODES.has(code) ? 'E_CERT_WEAK' : 'E_CERT_REFUSED',
        message: `OpenSSL refuses the chain of ${subject} (${code}), and so will servers that use it`,
        hint: `Show the chain to the team that runs ${issuer}; \`openssl verify -purpose sslclient\` tells more about it.`,
    };
}

;// CONCATENATED MODULE: ./lib/certificates/strength.js


/** What OpenSSL's security level 2 asks for (112 bits): bits of the modulus, bits of the curve. */
const SHORTEST_MODULUS = 2048;
const SHORTEST_CURVE = 224;
/** Keys and digests that OpenSSL's default level calls too weak: E_CERT_WEAK. A root's own signature proves nothing and is not judged. */
function judgeStrength(members) {
    return members.flatMap((member) => {
        const { position, subject, extensions, certificate } = member;
        const digest = position === 'root' ? undefined : extensions?.weakDigest;
        const reasons = [weakKey(member), digest === undefined ? undefined : `is signed with ${digest}`].filter((reason) => reason !== undefined);
        if (reasons.length === 0)
            return [];
        return [
            {
                code: 'E_CERT_WEAK',
                kind: 'structure',
                position,
                subject,
                message: `${nameMember(member)} ${reasons.join(' and ')}, too weak for servers with a current OpenSSL`,
                hint: `Ask the team that runs ${(0,lib_text/* issuerOf */.xD)(certificate)} for a certificate with an RSA key of at least 2048 bits or an EC key, signed with SHA-256 or better.`,
            },
        ];
    });
}
function weakKey({ certificate, unreadable }) {
    if (unreadable !== undefined)
        return undefined;
    const { asymmetricKeyType: type, asymmetricKeyDetails = {} } = certificate.publicKey;
    const { modulusLength, namedCurve } = asymmetricKeyDetails;
    if (modulusLength !== undefined && modulusLength < SHORTEST_MODULUS) {
        return `has an ${type?.toUpperCase()} key of ${modulusLength} bits`;
    }
    if (type !== 'ec')
        return undefined;
    // Every curve carries its size in its name, but for a few that nobody should use.
    const bits = Number(/\d{3}/.exec(namedCurve ?? '')?.[0] ?? 0);
    return bits < SHORTEST_CURVE ? `has an EC key on ${namedCurve ?? 'a curve without a name'}` : undefined;
}

;// CONCATENATED MODULE: ./lib/certificates/usage.js



const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const PURPOSE_NAMES = new Map([
    ['2.5.29.37.0', 'any purpose (anyExtendedKeyUsage)'],
    [SERVER_AUTH, 'serverAuth'],
    [CLIENT_AUTH, 'clientAuth'],
    ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
    ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
    ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
    ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
    ['1.3.6.1.4.1.311.20.2.2', 'smart card logon'],
]);
/** Purposes that a sentence names; a certificate may list thousands. */
const MOST_PURPOSES = 4;
/**
 * Whether the members may be used for what they are used for, as OpenSSL's `sslclient` purpose sees it (RFC 5280,
 * 4.2.1.3, 4.2.1.9 and 4.2.1.12): E_CERT_PURPOSE for the purposes and key usage of the leaf and the purposes that a CA
 * passes on; E_CERT_NOT_A_CA, E_CERT_PATH_LENGTH and, for an issuer that is named by another key's identifier or an
 * extension that OpenSSL does not process, E_CERT_REFUSED; E_CERT_UNREADABLE.
 */
function judgeUsage(members) {
    return members.flatMap((member, index) => [
        ...unreadable(member),
        ...unknownCritical(member),
        ...purposes(member),
        ...(index === 0 ? leafKeyUsage(member) : [...authority(member), ...pathLength(members, index)]),
        ...keyIdentifiers(member, members[index + 1]),
    ]);
}
function fault(member, details) {
    return [{ ...details, position: member.position, subject: member.subject }];
}
function unreadable(member) {
    if (member.unreadable === undefined)
        return [];
    return fault(member, {
        code: 'E_CERT_UNREADABLE',
        kind: 'structure',
        message: `${nameMember(member)} is malformed: ${member.unreadable}`,
        hint: `Ask the team that runs ${(0,lib_text/* issuerOf */.xD)(member.certificate)} for a well-formed certificate.`,
    });
}
function unknownCritical(member) {
    const [oid] = member.extensions?.unknownCritical ?? [];
    if (oid === undefined)
        return [];
    return fault(member, {
        code: 'E_CERT_REFUSED',
        kind: 'structure',
        message: `${nameMember(member)} has the critical extension ${oid}, which OpenSSL does not process: it must refuse the certificate`,
        hint: `Ask the team that runs ${(0,lib_text/* issuerOf */.xD)(member.certificate)} for a certificate without it, or with the extension not critical.`,
    });
}
function purposes(member) {
    const listed = member.extensions?.purposes;
    if (listed === undefined || listed.includes(CLIENT_AUTH))
        return [];
    const names = listed.slice(0, MOST_PURPOSES).map((oid) => PURPOSE_NAMES.get(oid) ?? oid);
    const more = listed.length > names.length ? ` and ${listed.length - names.length} more` : '';
    const shown = names.length === 0 ? 'no purpose' : `${names.join(', ')}${more}`;
    const leaf = member.position === 'leaf';
    const what = leaf ? `is issued for ${shown} only` : `lets the certificates below it be used for ${shown} only`;
    return fault(member, {
        code: 'E_CERT_PURPOSE',
        kind: 'purpose',
        message: `${nameMember(member)} ${what}; a client certificate needs clientAuth (extended key usage)`,
        hint: leaf ? leafPurposeHint(listed) : 'Ask for a client certificate from a CA that may issue for clientAuth.',
    });
}
function leafPurposeHint(listed) {
    const ask = 'Ask the CA for a certificate with the purpose clientAuth.';
    if (!listed.includes(SERVER_AUTH))
        return ask;
    return `${ask} Public CAs stopped clientAuth in 2025/26: if it was just renewed, take the next one from a private CA.`;
}
/** The handshake is signed: OpenSSL asks for digitalSignature or keyAgreement, other servers for the first alone. */
function leafKeyUsage(member) {
    const usage = member.extensions?.keyUsage;
    if (usage === undefined || usage.includes('digitalSignature'))
        return [];
    return fault(member, {
        code: 'E_CERT_PURPOSE',
        kind: 'purpose',
        message: `${nameMember(member)} allows its key only for ${usage.join(', ') || 'nothing'}; a client certificate needs digitalSignature (key usage)`,
        hint: 'Ask the CA for a certificate whose key usage holds digitalSignature.',
    });
}
function authority(member) {
    const { extensions } = member;
    if (extensions === undefined)
        return [];
    const { basicConstraints, keyUsage, version } = extensions;
    const reasons = [
        // Version 1 has no extensions: such a root is a CA because somebody trusts it.
        ...(basicConstraints === undefined && version >= 3 ? ['has no basic constraints'] : []),
        ...(version < 3 && member.position !== 'root'
            ? [`is a certificate of version ${version}, which cannot say that it is a CA`]
            : []),
        ...(basicConstraints?.ca === false ? ['says that it is no CA (basic constraints)'] : []),
        ...(keyUsage?.includes('keyCertSign') === false
            ? ['may not sign certificates (no keyCertSign in its key usage)']
            : []),
    ];
    if (reasons.length === 0)
        return [];
    return fault(member, {
        code: 'E_CERT_NOT_A_CA',
        kind: 'structure',
        message: `${nameMember(member)} signed the certificate below it, but ${reasons.join(' and ')}`,
        hint: 'Take the certificate from a CA: one that was issued for a server or a person cannot issue others.',
    });
}
/** Self-issued certificates are not counted (RFC 5280, 4.2.1.9), and the leaf is not. */
function pathLength(members, index) {
    const member = members[index];
    const limit = member?.extensions?.basicConstraints?.pathLength;
    if (member === undefined || limit === undefined)
        return [];
    const below = members.slice(1, index).filter(({ certificate }) => certificate.subject !== certificate.issuer).length;
    if (below <= limit)
        return [];
    return fault(member, {
        code: 'E_CERT_PATH_LENGTH',
        kind: 'structure',
        message: `${nameMember(member)} allows ${(0,lib_text/* count */.U9)(limit, 'CA')} below it (path length), this chain has ${below}`,
        hint: `Ask the team that runs ${member.subject} for a chain with fewer CAs, or for a CA certificate with a greater path length.`,
    });
}
function keyIdentifiers(member, issuer) {
    const named = member.extensions;
    const found = issuer?.extensions;
    if (issuer === undefined || named === undefined || found === undefined)
        return [];
    const { authorityKeyId, authorityCertificate } = named;
    const otherKey = authorityKeyId !== undefined && (found.subjectKeyId ?? authorityKeyId) !== authorityKeyId;
    const otherCertificate = (authorityCertificate.serial ?? found.serial) !== found.serial ||
        (authorityCertificate.issuer !== undefined &&
            authorityCertificate.issuer.join('\n\n') !== canonicalName(found.issuer).join('\n\n'));
    if (!otherKey && !otherCertificate)
        return [];
    const what = otherKey ? 'another key identifier than its issuer' : 'another certificate of its issuer than';
    return fault(member, {
        code: 'E_CERT_REFUSED',
        kind: 'structure',
        message: `${nameMember(member)} names ${what} ${issuer.subject} has, though that key signed it; servers that use OpenSSL refuse it`,
        hint: `Use the certificate of ${issuer.subject} that the CA hands out now, or ask for a new client certificate.`,
    });
}

;// CONCATENATED MODULE: ./lib/certificates/validity.js


const DAY = 86_400_000;
const HOUR = 3_600_000;
/**
 * What the dates of one certificate say (RFC 5280, 4.1.2.5): E_CERT_EXPIRED and E_CERT_NOT_YET_VALID as faults,
 * E_CERT_EXPIRES_SOON as a finding.
 */
function judgeValidity(member, limits, now) {
    const { validFromDate, validToDate } = member.certificate;
    if (member.unreadable !== undefined)
        return undefined;
    if (validToDate < now)
        return expired(member, limits, now);
    if (validFromDate > now)
        return notYetValid(member, now);
    return expiresSoon(member, limits, now);
}
function expired(member, { expiryErrorDays }, now) {
    const end = member.certificate.validToDate;
    return {
        code: 'E_CERT_EXPIRED',
        kind: 'date',
        enforced: expiryErrorDays > 0,
        position: member.position,
        subject: member.subject,
        message: `${identify(member)} ended on ${(0,lib_text/* formatTime */.fU)(end)}, ${span(+now - +end)} ago`,
        hint: member.position === 'root' ? whoseTurn(member) : `${whoseTurn(member)} ${QUEUED}`,
    };
}
/** GitHub reads the secrets of repository and organisation when a run is queued, those of an environment when its job starts. */
const QUEUED = 'If that is done already, this run was queued before: start a new one.';
function notYetValid(member, now) {
    const start = member.certificate.validFromDate;
    return {
        code: 'E_CERT_NOT_YET_VALID',
        kind: 'date',
        position: member.position,
        subject: member.subject,
        message: `${identify(member)} is valid only from ${(0,lib_text/* formatTime */.fU)(start)}, in ${span(+start - +now)}`,
        hint: `Wait until then, or correct the runner's clock, which says ${(0,lib_text/* formatTime */.fU)(now)}.`,
    };
}
function expiresSoon(member, limits, now) {
    const { validFromDate, validToDate } = member.certificate;
    const left = +validToDate - +now;
    const forbidden = left < limits.expiryErrorDays * DAY;
    // A third of the lifetime: short-lived certificates would otherwise warn from their first hour on.
    const near = left < limits.expiryWarningDays * DAY && left < (+validToDate - +validFromDate) / 3;
    if (!forbidden && !near)
        return undefined;
    const limit = forbidden ? `, and expiry-error-days asks for ${limits.expiryErrorDays}` : '';
    return {
        code: 'E_CERT_EXPIRES_SOON',
        severity: forbidden ? 'error' : 'warning',
        position: member.position,
        subject: member.subject,
        message: `${identify(member)} ends on ${(0,lib_text/* formatTime */.fU)(validToDate)}: ${span(left)} left${limit}`,
        hint: whoseTurn(member),
    };
}
function identify(member) {
    const { certificate } = member;
    const issuer = member.position === 'root' ? 'self-signed' : `issued by ${(0,lib_text/* issuerOf */.xD)(certificate)}`;
    return `${nameMember(member)} (serial ${(0,lib_text/* printable */.g$)(certificate.serialNumber, 64)}, ${issuer})`;
}
function whoseTurn({ position, certificate }) {
    const issuer = (0,lib_text/* issuerOf */.xD)(certificate);
    if (position === 'leaf') {
        return `Ask the team that runs ${issuer} for a new client certificate, then replace client-cert and client-key together.`;
    }
    if (position === 'root')
        return 'The team that runs this root has to renew it; the servers that trust it need the new one too.';
    return `The team that runs ${issuer} has to renew this CA's certificate; then put the new one into client-cert instead.`;
}
/** `12 days`, `3 hours`: rounded down, so that what is left is never overstated. */
function span(milliseconds) {
    if (milliseconds >= DAY)
        return (0,lib_text/* count */.U9)(Math.floor(milliseconds / DAY), 'day');
    return milliseconds >= HOUR ? (0,lib_text/* count */.U9)(Math.floor(milliseconds / HOUR), 'hour') : 'less than an hour';
}

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __nccwpck_require__(7075);
// EXTERNAL MODULE: external "node:tls"
var external_node_tls_ = __nccwpck_require__(1692);
;// CONCATENATED MODULE: ./lib/certificates/server-certificate.js

/** SEQUENCE { ecdsa-with-SHA256 } */
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
/** A self-signed certificate without names or extensions (X.509 version 1: RFC 5280, 4.1) and its key. */
function makeServerCertificate() {
    const { privateKey, publicKey } = (0,external_node_crypto_.generateKeyPairSync)('ec', { namedCurve: 'prime256v1' });
    const tbs = toBeSigned(publicKey);
    const signature = server_certificate_der(0x03, Buffer.from([0]), (0,external_node_crypto_.sign)('sha256', tbs, privateKey));
    const body = server_certificate_der(0x30, tbs, ECDSA_SHA256, signature).toString('base64');
    return {
        certificate: `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
}
function toBeSigned(publicKey) {
    const serial = server_certificate_der(0x02, Buffer.from([1]));
    const nobody = server_certificate_der(0x30);
    const utcTime = (text) => server_certificate_der(0x17, Buffer.from(text, 'latin1'));
    const validity = server_certificate_der(0x30, utcTime('700101000000Z'), utcTime('491231235959Z'));
    const key = publicKey.export({ type: 'spki', format: 'der' });
    return server_certificate_der(0x30, serial, ECDSA_SHA256, nobody, validity, nobody, key);
}
/** One element of fewer than 65,536 bytes. */
function server_certificate_der(tag, ...contents) {
    const body = Buffer.concat(contents);
    const { length } = body;
    const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

;// CONCATENATED MODULE: ./lib/certificates/verdict.js




/** Milliseconds. A handshake in memory takes five: this is only reached when the process itself stands still. */
const TIME_LIMIT = 10_000;
/** Anything that is no address: the server side may pick its trust by name (see `serverFor`). */
const SERVER_NAME = 'verdict.invalid';
/**
 * What a server built on OpenSSL says to this client certificate: one TLS handshake inside the process, without a
 * network. Rejects with the signal's reason, and with an Error when the handshake does not end in time; a chain that is
 * refused is an answer, not an error.
 */
async function askOpenSsl(request) {
    request.signal?.throwIfAborted();
    const client = clientContext(request);
    return typeof client === 'string' ? { accepted: false, code: client, loads: false } : await handshake(client, request);
}
/** The client's side, or the code with which OpenSSL refuses to load such a certificate at all (weak keys). */
function clientContext({ chain, key }) {
    try {
        return (0,external_node_tls_.createSecureContext)({
            cert: pem(chain).join(''),
            key: key.export({ type: 'pkcs8', format: 'pem' }),
            // An empty list: without one Node would read its own roots, and complete the chain from them.
            ca: [],
        });
    }
    catch (error) {
        const code = (0,lib_errors/* errorCodeOf */.D9)(error);
        if (code === undefined)
            throw error;
        return code;
    }
}
function serverFor({ anchors, partial }) {
    const { certificate: cert, key } = makeServerCertificate();
    const trust = { cert, key, ca: pem(anchors) };
    const rules = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: TIME_LIMIT };
    if (!partial)
        return (0,external_node_tls_.createServer)({ ...trust, ...rules });
    const context = (0,external_node_tls_.createSecureContext)({ ...trust, allowPartialTrustChain: true });
    // `createServer` drops allowPartialTrustChain in silence; a context that is chosen by name keeps it.
    return (0,external_node_tls_.createServer)({ ca: [], ...rules, SNICallback: (_name, callback) => callback(null, context) });
}
async function handshake(client, request) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const [clientEnd, serverEnd] = (0,external_node_stream_.duplexPair)();
    const server = serverFor(request);
    server.on('secureConnection', (socket) => resolve(readVerdict(socket)));
    // Deferred: where the client's side gave up, its own error names the cause and arrives in the same turn.
    server.on('tlsClientError', (error) => setImmediate(() => resolve(refusal(error))));
    server.emit('connection', serverEnd);
    const socket = (0,external_node_tls_.connect)({
        socket: clientEnd,
        secureContext: client,
        ...(request.partial && { servername: SERVER_NAME }),
        // The peer is this very process, on a stream that nothing else can reach: there is nobody to authenticate.
        rejectUnauthorized: false,
    });
    socket.on('error', (error) => resolve(refusal(error)));
    const timer = setTimeout(() => reject(new Error('the handshake in memory did not end')), TIME_LIMIT);
    const abort = () => reject(request.signal?.reason);
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
        return await promise;
    }
    finally {
        clearTimeout(timer);
        request.signal?.removeEventListener('abort', abort);
        for (const stream of [socket, clientEnd, serverEnd])
            stream.destroy();
    }
}
function readVerdict(socket) {
    socket.on('error', () => { });
    // A client whose key fits no signature scheme of the handshake sends no certificate, and no error either.
    const sent = socket.getPeerX509Certificate() !== undefined;
    const verdict = socket.authorized
        ? { accepted: true, code: undefined, loads: true }
        : { accepted: false, code: sent ? String(socket.authorizationError) : 'NOT_SENT', loads: true };
    socket.destroy();
    return verdict;
}
function refusal(error) {
    return { accepted: false, code: (0,lib_errors/* errorCodeOf */.D9)(error) ?? error.name, loads: true };
}
function pem(certificates) {
    return certificates.map((certificate) => certificate.toString());
}

;// CONCATENATED MODULE: ./lib/certificates/chain-check.js













const SEVERITIES = ['error', 'warning', 'notice'];
/**
 * Checks, before any connection, whether servers will accept the client's certificate: OpenSSL gives the verdict, the
 * findings say which certificate is at fault and what to do. A bad chain never throws: it has findings of severity
 * error, with E_CERT and E_CRL codes, E_KEY_MISMATCH or E_KEY_UNSUPPORTED. Rejects with the signal's reason.
 */
async function checkChain(request) {
    request.signal?.throwIfAborted();
    const judged = choosePath(request);
    const { path } = judged;
    const open = openEnd(judged, request);
    const broken = open && brokenSignature(open);
    const missing = open && broken === undefined ? missingIssuer(open) : undefined;
    const verdict = await askAbout(judged, request);
    const findings = [
        ...chain_check_judge(judged, verdict, request),
        ...[broken, missing, partialAnchor(judged), endedRoot(judged, request.now)].filter((one) => one !== undefined),
        ...(request.revocationLists === undefined ? [] : judgeRevocation(path, request.revocationLists, request.now)),
        ...judgeLeftovers(request.leaf, request.others, path),
    ];
    return {
        chain: path.chain,
        anchor: path.anchor,
        findings: SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity)),
        expires: earliestEnd(path.chain, request.now),
        usable: verdict?.loads === true,
        reachesAnchor: path.anchor !== undefined,
        unknownIssuer: open && open.bundle !== 'client-ca-bundle' ? (missing?.message ?? openQuestion(open)) : undefined,
    };
}
/** A time that cannot be read is over. */
function earliestEnd(chain, now) {
    const ends = chain.map(({ validToDate }) => (Number.isNaN(+validToDate) ? now : validToDate));
    return new Date(Math.min(...ends.map(Number)));
}
function choosePath({ leaf, others, clientAnchors, serverAnchors, now }) {
    const anchors = clientAnchors ?? serverAnchors ?? [];
    const path = buildPath(leaf, others, anchors, now);
    const bundle = serverAnchors === undefined ? undefined : 'ca-bundle';
    return {
        path,
        members: membersOf(path, isRootJudged(path, now)),
        anchors,
        bundle: clientAnchors === undefined ? bundle : 'client-ca-bundle',
    };
}
/**
 * A root that is the anchor, always. Another root of the user's file, as the end of the path, unless its time is over:
 * it is not sent, and servers may have it renewed with the same key.
 */
function isRootJudged({ root, anchor }, now) {
    if (root === undefined)
        return false;
    return anchor === undefined ? root.validFromDate <= now && now <= root.validToDate : root === anchor;
}
function openEnd({ path, members, anchors, bundle }, { others, now }) {
    if (path.anchor !== undefined)
        return undefined;
    return { path, top: members.at(-1) ?? members[0], others, anchors, bundle, now };
}
/** `verdict`: undefined without the right key. */
function chain_check_judge({ members }, verdict, request) {
    const [leaf] = members;
    const dates = members.map((member) => judgeValidity(member, request, request.now));
    const found = [
        ...dates.filter((date) => date !== undefined),
        ...judgeUsage(members),
        ...judgeNameConstraints(members),
        ...judgeStrength(members),
        ...judgeConformance(members),
    ];
    const faults = found.filter(isFault);
    const findings = found.filter(isFinding);
    return [
        ...(verdict === undefined ? [keyMismatch(leaf)] : []),
        ...settle(faults, verdict, leaf, request.mode),
        ...findings,
    ];
}
function isFault(one) {
    return 'kind' in one;
}
function isFinding(one) {
    return 'severity' in one;
}
/**
 * With an anchor: against all anchors, and one that is no root ends the chain where the bundle has nothing above it.
 * Without: as if the server trusted the top of the path, so that the missing anchor alone falls away. Undefined: without
 * the right key there is no handshake.
 */
async function askAbout({ path, members, anchors }, { leaf, key, signal }) {
    if (!leaf.checkPrivateKey(key))
        return undefined;
    const { chain, anchor } = path;
    if (anchor !== undefined) {
        return askOpenSsl({
            chain,
            key,
            anchors: anchorsInReach(path, anchors),
            partial: !endsAtRoot(path, anchor),
            signal,
        });
    }
    const top = members.at(-1) ?? members[0];
    return askOpenSsl({ chain, key, anchors: [top.certificate], partial: true, signal });
}
function endsAtRoot({ root }, anchor) {
    return anchor === root || isSelfSigned(anchor);
}
function keyMismatch({ subject }) {
    return {
        code: 'E_KEY_MISMATCH',
        severity: 'error',
        position: 'leaf',
        subject,
        message: `client-key does not belong to the certificate ${subject} in client-cert`,
        hint: 'Store certificate and key again, both from one request: a renewal often replaces only one of them. If both are new already, this run was queued before, or between the two: start a new one.',
    };
}
/** Companies hand out the issuing CA alone; curl takes it as an anchor, servers with OpenSSL only when told to. */
function partialAnchor({ path, bundle }) {
    const { anchor } = path;
    if (anchor === undefined || endsAtRoot(path, anchor))
        return undefined;
    const subject = (0,lib_text/* subjectOf */.et)(anchor);
    const position = path.chain.indexOf(anchor);
    return {
        code: 'E_CERT_INCOMPLETE_CHAIN',
        severity: 'notice',
        position: position > 0 ? `intermediate ${position}` : 'leaf',
        subject,
        message: `${bundle} holds ${subject}, but no root above it: the chain was checked up to there`,
        hint: undefined,
    };
}
/** The root of the user's file that `isRootJudged` leaves out. */
function endedRoot({ path, members }, now) {
    if (path.root === undefined || path.anchor !== undefined || members.length > path.chain.length)
        return undefined;
    const [root] = membersOf(path, true).slice(-1);
    const fault = root && judgeValidity(root, { expiryWarningDays: 0, expiryErrorDays: 0 }, now);
    if (fault === undefined || !isFault(fault))
        return undefined;
    return { ...withSeverity(fault, 'warning'), hint: 'It is not sent; that the server has a newer one decides.' };
}

;// CONCATENATED MODULE: ./lib/certificates/revocation-list.js







const revocation_list_OID = {
    keyId: '2.5.29.35',
    number: '2.5.29.20',
    reason: '2.5.29.21',
    delta: '2.5.29.27',
    issuingDistributionPoint: '2.5.29.28',
    freshest: '2.5.29.46',
};
/** RFC 5280, 5.3.1. 7 is not used. */
const REASONS = [
    undefined,
    'keyCompromise',
    'cACompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'certificateHold',
    undefined,
    'removeFromCRL',
    'privilegeWithdrawn',
    'aACompromise',
];
/** Each costs a signature, and a chain has a handful of CAs. */
const MOST_LISTS = 200;
/**
 * The lists of `client-crl`, PEM or DER, in their order. What cannot be used refuses the input: a list that was dropped
 * in silence would revoke nothing. Throws PublishError E_CRL_UNREADABLE or E_INPUT_TRUNCATED.
 */
function readRevocationLists(material) {
    const { blocks: all, broken } = (0,encoding_blocks/* readBlocks */.v_)(material);
    const blocks = all.filter(({ kind }) => kind !== 'parameters');
    const [fault] = broken;
    if (fault !== undefined)
        throw revocation_list_brokenBlock(fault);
    if (blocks.length === 0 || blocks.length > MOST_LISTS) {
        throw revocation_list_unreadable(`${(0,encoding_blocks/* nameOfMaterial */.Gh)(material)} holds ${(0,lib_text/* count */.U9)(blocks.length, 'block')}`, `from 1 to ${MOST_LISTS} lists are read`);
    }
    return blocks.map(readBlock);
}
function revocation_list_unreadable(what, why, cause) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_CRL_UNREADABLE',
        message: `${what}: ${why}`,
        hint: 'Take the list anew from the CA (PEM, or base64 of DER), or leave client-crl out.',
        cause,
    });
}
function revocation_list_brokenBlock({ where, fault, cutOff }) {
    if (!cutOff)
        return revocation_list_unreadable(`${where} cannot be read`, fault);
    return new lib_errors/* PublishError */.S1({
        code: 'E_INPUT_TRUNCATED',
        message: `${where} is cut off: ${fault}`,
        hint: 'Store the whole file again, unchanged, or give its path.',
    });
}
function readBlock({ where, kind, bytes }) {
    if (kind !== 'crl')
        throw revocation_list_unreadable(`${where} is ${(0,encoding_kind/* nameOfKind */.lI)(kind)}`, 'client-crl holds certificate revocation lists only');
    try {
        return revocation_list_read(where, bytes);
    }
    catch (cause) {
        const why = (0,lib_text/* printable */.g$)(cause instanceof Error ? cause.message : '', 120);
        throw revocation_list_unreadable(`${where} is a malformed revocation list`, why, cause);
    }
}
/** RFC 5280, 5.1. Throws an Error. */
function revocation_list_read(where, der) {
    const [tbs, algorithm, bits] = DerNode.of(der).children;
    if (tbs === undefined || algorithm === undefined || !bits?.is(DER.bitString))
        throw new Error('it is not signed');
    const [first, ...others] = tbs.children;
    const fields = first?.is(DER.integer) ? others : tbs.children;
    const [inner, issuer, thisUpdate, ...rest] = fields;
    if (inner === undefined || issuer === undefined || thisUpdate === undefined)
        throw new Error('a field is missing');
    // The one outside of the signature could be anybody's.
    if (!inner.bytes.equals(algorithm.bytes))
        throw new Error('it names two signature algorithms');
    const nextUpdate = rest.find((node) => node.is(DER.utcTime) || node.is(DER.generalizedTime));
    const extensions = readExtensionList(rest.find((node) => node.is(0xa0))?.children[0]);
    const scope = scopeOf(extensions);
    const entries = entriesOf(rest.find((node) => node.is(DER.sequence)));
    return {
        where,
        content: tbs.bytes,
        algorithm,
        signature: bits.content.subarray(1),
        issuer: canonicalName(issuer),
        shownIssuer: shownName(issuer),
        authorityKeyId: keyIdOf(extensions),
        thisUpdate: time(thisUpdate),
        nextUpdate: nextUpdate && time(nextUpdate),
        scope,
        // An entry of an indirect list can be about any CA's certificate.
        find: (serial) => (scope.isIndirect ? undefined : entries.get(serial)),
    };
}
/** All of them are read, so that a list is readable as a whole or not at all. */
function entriesOf(list) {
    const entries = new Map();
    for (const { children } of list?.children ?? []) {
        const [serial, date, extensions] = children;
        if (serial === undefined || date === undefined)
            throw new Error('an entry is incomplete');
        const reason = extensions && readExtensionList(extensions).get(revocation_list_OID.reason);
        const code = reason === undefined ? 0 : smallNumber(DerNode.of(reason.value));
        // Of a delta list: the entry takes an earlier one back.
        if (REASONS[code] === 'removeFromCRL')
            continue;
        entries.set(integerHex(serial), { date: time(date), reason: REASONS[code] });
    }
    return entries;
}
function keyIdOf(extensions) {
    const extension = extensions.get(revocation_list_OID.keyId);
    const field = extension && DerNode.of(extension.value).children.find((node) => node.is(0x80));
    return field?.content.toString('hex');
}
const KNOWN = new Set(Object.values(revocation_list_OID));
function scopeOf(extensions) {
    const point = extensions.get(revocation_list_OID.issuingDistributionPoint);
    const fields = point === undefined ? [] : DerNode.of(point.value).children;
    const isSet = (tag) => fields.some((node) => node.is(tag) && der_node_boolean(node.as(DER.boolean)));
    const [unknown] = [...extensions].flatMap(([oid, { critical }]) => (critical && !KNOWN.has(oid) ? [oid] : []));
    const distributionPoints = point === undefined ? [] : fullNames(DerNode.of(point.value));
    const isNamed = fields.some((node) => node.is(0xa0));
    const gaps = [
        [isSet(0x84), 'it is an indirect list, which is not read here'],
        [extensions.has(revocation_list_OID.delta), 'it is a delta list, which only adds to a complete one'],
        [unknown !== undefined, `it has the critical extension ${unknown}, which is not read here`],
        [fields.some((node) => node.is(0x83)), 'it covers some reasons for a revocation only'],
        [isSet(0x85), 'it is about attribute certificates'],
        [isNamed && distributionPoints.length === 0, 'it names its place in a way that is not read here'],
    ];
    return {
        isIndirect: isSet(0x84),
        partial: gaps.find(([applies]) => applies)?.[1],
        of: isSet(0x81) ? 'leaves' : isSet(0x82) ? 'CAs' : 'all',
        distributionPoints,
    };
}

;// CONCATENATED MODULE: ./lib/distributions/digest.js


/** Bytes between two looks at the signal: about a millisecond of hashing. */
const DIGEST_CHUNK_BYTES = 1024 * 1024;
/**
 * Hashes the whole file, a chunk at a time; the event loop turns after each.
 *
 * @throws PublishError E_DIST_CHANGED when the file is not what was opened; the signal's reason when it is aborted
 */
async function digest(file, { md5: wantsMd5, buffer = Buffer.allocUnsafeSlow(DIGEST_CHUNK_BYTES) }, signal) {
    const sha256 = (0,external_node_crypto_.createHash)('sha256');
    const md5 = wantsMd5 ? (0,external_node_crypto_.createHash)('md5') : undefined;
    for (let position = 0; position < file.size; position += DIGEST_CHUNK_BYTES) {
        signal?.throwIfAborted();
        const chunk = file.readSync(position, Math.min(DIGEST_CHUNK_BYTES, file.size - position), buffer);
        sha256.update(chunk);
        md5?.update(chunk);
        await (0,promises_.setImmediate)();
    }
    file.assertUnchanged();
    return { sha256: sha256.digest('hex'), md5: md5?.digest('hex') };
}
/**
 * One digest of the whole file, lower-case hexadecimal; undefined where this machine cannot compute it (MD5 under FIPS).
 *
 * @throws as `digest` does
 */
async function digest_digestOf(file, algorithm, signal) {
    const hash = hashOf(algorithm);
    if (hash === undefined)
        return undefined;
    const buffer = Buffer.allocUnsafeSlow(DIGEST_CHUNK_BYTES);
    for (let position = 0; position < file.size; position += DIGEST_CHUNK_BYTES) {
        signal.throwIfAborted();
        hash.update(file.readSync(position, Math.min(DIGEST_CHUNK_BYTES, file.size - position), buffer));
        await (0,promises_.setImmediate)();
    }
    file.assertUnchanged();
    return hash.digest('hex');
}
function hashOf(algorithm) {
    try {
        return (0,external_node_crypto_.createHash)(algorithm);
    }
    catch {
        return undefined;
    }
}

;// CONCATENATED MODULE: ./lib/distributions/version.js
/** Longest version that is read: longer ones are no versions, and nothing here runs over more text. */
const LONGEST = 256;
// Not trim(): it also takes a byte order mark away, which Python does not.
const SURROUNDING_BLANKS = /^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g;
// Not with the flag `u` beside `i`: together they fold U+017F and U+212A to the letters s and k.
const VERSION = /^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[._-]?(alpha|a|beta|b|preview|pre|c|rc)[._-]?([0-9]+)?)?(?:-([0-9]+)|[._-]?(post|rev|r)[._-]?([0-9]+)?)?(?:[._-]?(dev)[._-]?([0-9]+)?)?(?:\+([a-z0-9]+(?:[._-][a-z0-9]+)*))?$/i;
const PRE_LETTERS = new Map([
    ['a', 'a'],
    ['alpha', 'a'],
    ['b', 'b'],
    ['beta', 'b'],
    ['c', 'rc'],
    ['rc', 'rc'],
    ['pre', 'rc'],
    ['preview', 'rc'],
]);
/** Reads a version in any spelling that PEP 440 allows (at most 256 characters); undefined for anything else. */
function parseVersion(text) {
    if (text.length > LONGEST)
        return undefined;
    const match = VERSION.exec(text.replace(SURROUNDING_BLANKS, ''));
    if (match === null)
        return undefined;
    const [, epoch, release = '', preWord, preNumber, bareNumber, postWord, postNumber, devWord, devNumber, local] = match;
    const letter = PRE_LETTERS.get(preWord?.toLowerCase() ?? '');
    return {
        epoch: digits(epoch),
        release: release.split('.').map(digits),
        pre: letter && { letter, number: digits(preNumber) },
        post: bareNumber || postWord ? digits(bareNumber ?? postNumber) : undefined,
        dev: devWord ? digits(devNumber) : undefined,
        local: local ? local.toLowerCase().split(/[._-]/).map(localPart) : [],
    };
}
/** The canonical spelling (PEP 440, "Normalization"): `v1.0-ALPHA.1` is `1.0a1`. Undefined when the text is no version. */
function normalizeVersion(text) {
    const version = parseVersion(text);
    return version && format(version);
}
/** Whether two texts are the same version: `1.0` and `1.0.0` are, local version and epoch count. False when one is no version. */
function sameVersion(a, b) {
    const [left, right] = [parseVersion(a), parseVersion(b)];
    return left !== undefined && right !== undefined && versionKey(left) === versionKey(right);
}
/** One text for all spellings of one version: what `sameVersion` compares, for grouping. */
function versionKey(version) {
    return format({ ...version, release: withoutTrailingZeros(version.release) });
}
/** Order of PEP 440 for sorting: negative when `a` is older. */
function compareVersions(a, b) {
    return (compareNumbers([a.epoch], [b.epoch]) ||
        compareNumbers(withoutTrailingZeros(a.release), withoutTrailingZeros(b.release)) ||
        compareNumbers(suffixKey(a), suffixKey(b)) ||
        compareLocal(a.local, b.local));
}
function format({ epoch, release, pre, post, dev, local }) {
    return [
        epoch === '0' ? '' : `${epoch}!`,
        release.join('.'),
        pre ? `${pre.letter}${pre.number}` : '',
        post === undefined ? '' : `.post${post}`,
        dev === undefined ? '' : `.dev${dev}`,
        local.length === 0 ? '' : `+${local.join('.')}`,
    ].join('');
}
function digits(text) {
    return (text ?? '').replace(/^0+/, '') || '0';
}
function localPart(part) {
    return isNumber(part) ? digits(part) : part;
}
function withoutTrailingZeros(release) {
    const last = release.findLastIndex((part) => part !== '0');
    return release.slice(0, Math.max(1, last + 1));
}
/** dev < a < b < rc < final < post; each dev release comes before what it leads to. */
function suffixKey({ pre, post, dev }) {
    const phases = { a: '1', b: '2', rc: '3' };
    const bareDev = pre === undefined && post === undefined && dev !== undefined;
    const phase = bareDev ? '0' : pre ? phases[pre.letter] : '4';
    const [afterFinal, beforeRelease] = [post === undefined ? '0' : '1', dev === undefined ? '1' : '0'];
    return [phase, pre?.number ?? '0', afterFinal, post ?? '0', beforeRelease, dev ?? '0'];
}
/** Strings of digits without leading zeros: the longer one is the greater one. */
function compareNumbers(a, b) {
    for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
        const [left, right] = [a[index] ?? '', b[index] ?? ''];
        if (left.length !== right.length)
            return left.length - right.length;
        if (left !== right)
            return left < right ? -1 : 1;
    }
    return 0;
}
/** Of local versions: numbers come after words, and a version after its own beginning. */
function compareLocal(a, b) {
    for (const [index, left] of a.entries()) {
        const right = b[index];
        if (right === undefined)
            return 1;
        const [leftIsNumber, rightIsNumber] = [isNumber(left), isNumber(right)];
        if (leftIsNumber !== rightIsNumber)
            return leftIsNumber ? 1 : -1;
        if (leftIsNumber && left !== right)
            return compareNumbers([left], [right]);
        if (left !== right)
            return left < right ? -1 : 1;
    }
    return a.length - b.length;
}
function isNumber(part) {
    return /^[0-9]+$/.test(part);
}

;// CONCATENATED MODULE: ./lib/distributions/filename.js



/** What every index takes and what needs no quoting in a header, a URL path or a shell. */
const ALLOWED_FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.!+-]*$/;
const LONGEST_FILE_NAME = 255;
// Not the flags `iu` together: they would fold U+017F and U+212A to ASCII letters.
const PROJECT_NAME = /^(?:[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])$/i;
const WHEEL_NAME = /^(?:[A-Z0-9]|[A-Z0-9][A-Z0-9._]*[A-Z0-9])$/i;
const BUILD_TAG = /^[0-9][A-Za-z0-9_.]*$/;
const TAG_SET = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/;
const WHEEL_FORM = 'name-version(-build)-python-abi-platform.whl';
/** Formats that indexes took in former times, by their extension, and why they are not sent. */
const LEGACY_FORMS = [
    [/\.egg$/i, 'is an egg, which PyPI and pip no longer take'],
    [/\.(?:exe|msi|rpm|deb|dmg)$/i, 'is an installer, which is no Python distribution since PEP 527'],
    [
        /\.(?:tgz|tbz|txz|tar|tar\.(?:bz2|xz|lzma|z|zst|lz))$/i,
        'is an archive in another format than .tar.gz, the one that an sdist has (PEP 527, PEP 625)',
    ],
    [/\.(?:whl|tar\.gz|zip)$/i, 'has its extension in upper case, and indexes and pip know .whl and .tar.gz only'],
];
/** A project's name as indexes compare it (PEP 503): `My.Demo_pkg` is `my-demo-pkg`. */
function normalizeName(name) {
    return name.replace(/[-_.]+/g, '-').toLowerCase();
}
/** Whether a text can be a project's name at all (core metadata, "Name"): ASCII letters, digits, `.`, `_` and `-`. */
function isProjectName(name) {
    return PROJECT_NAME.test(name);
}
/** What a base name says that the file is, by its extension; undefined for what is no distribution that we send. */
function distributionKind(file) {
    if (file.endsWith('.whl'))
        return 'wheel';
    return file.endsWith('.tar.gz') || file.endsWith('.zip') ? 'sdist' : undefined;
}
/** E_DIST_UNSUPPORTED with the reason for a format of former times; undefined for anything else. */
function legacyProblem(file) {
    if (distributionKind(file))
        return undefined;
    const reason = LEGACY_FORMS.find(([extensions]) => extensions.test(file))?.[1];
    if (reason === undefined)
        return undefined;
    return {
        code: 'E_DIST_UNSUPPORTED',
        message: `${(0,lib_text/* printable */.g$)(file)} ${reason}`,
        hint: 'Build a wheel and an sdist (python -m build), or leave the file out with a line like "!dist/*.egg" in files.',
    };
}
/**
 * Throws E_DIST_NAME for a base name with characters that an index may refuse or read in another way. All later steps
 * rely on it: the name goes into the upload's header, into URLs, outputs and commands as it is.
 */
function checkFileName(file) {
    if (file.length > LONGEST_FILE_NAME) {
        throw nameError(file, `has ${file.length} characters, and ${LONGEST_FILE_NAME} are the most that an index takes`);
    }
    if (ALLOWED_FILE_NAME.test(file))
        return;
    throw nameError(file, 'holds a character that package indexes refuse: a distribution is named with letters, digits and _ . ! + - only, and begins with a letter or digit');
}
/**
 * Reads a wheel's base name as uv and pip do (PEP 427, 425). Throws E_DIST_NAME with the part that is wrong. Stricter
 * than the `packaging` library in what no build tool writes: ASCII only, no dot at the end of the name.
 */
function parseWheelFilename(file) {
    checkFileName(file);
    const parts = file.replace(/\.whl$/, '').split('-');
    if (parts.length !== 5 && parts.length !== 6) {
        throw nameError(file, `has ${parts.length} parts between dashes, and a wheel has 5 or 6: ${WHEEL_FORM}`);
    }
    const [name = '', version = ''] = parts;
    const [pythonTag = '', abiTag = '', platformTag = ''] = parts.slice(-3);
    const build = parts.length === 6 ? parts[2] : undefined;
    checkWheelParts(file, { name, version, build, tags: [pythonTag, abiTag, platformTag] });
    return { kind: 'wheel', file, name, version, build, pythonTag, abiTag, platformTag };
}
function checkWheelParts(file, { name, version, build, tags }) {
    if (!WHEEL_NAME.test(name) || name.includes('__')) {
        throw nameError(file, `says '${name}' where the project's name stands, which is none: ${WHEEL_FORM}`);
    }
    if (parseVersion(version) === undefined) {
        throw nameError(file, `says '${version}' where the version stands, which is none (PEP 440): ${WHEEL_FORM}`);
    }
    if (build !== undefined && !BUILD_TAG.test(build)) {
        throw nameError(file, `has '${build}' where a build tag stands, which begins with a digit`, `Make it a part of the version where it belongs to it (1.0.dev1, 1.0+local), or leave it out, and build again: ${WHEEL_FORM}.`);
    }
    const odd = tags.find((tag) => !TAG_SET.test(tag));
    if (odd !== undefined)
        throw nameError(file, `has '${odd}' where a tag stands, which is none: ${WHEEL_FORM}`);
}
/** One text for all spellings of sets of tags: `py2.py3` and `PY3.py2` are one. */
function tagSet(sets) {
    return [...new Set([...sets].flatMap((set) => set.toLowerCase().split('.')))].sort().join('.');
}
/**
 * Reads an sdist's base name. A dash may stand in the name and in the version (`foo-1.0-1` is a post release), so the
 * metadata's Name decides where the version begins. Throws E_DIST_NAME when no part is a version, E_DIST_MISMATCH when
 * the name is another project's.
 */
function parseSdistFilename(file, metadataName) {
    checkFileName(file);
    const splits = sdistSplits(file);
    const [first] = splits;
    if (first === undefined) {
        throw nameError(file, 'names no project and version: an sdist is named name-version.tar.gz (PEP 625)');
    }
    const wanted = normalizeName(metadataName);
    const split = splits.find(({ name }) => normalizeName(name) === wanted);
    if (split)
        return { kind: 'sdist', file, ...split };
    throw new lib_errors/* PublishError */.S1(projectMismatch(file, first.name, metadataName, 'PKG-INFO'));
}
function sdistSplits(file) {
    const stem = file.replace(/\.(?:tar\.gz|zip)$/, '');
    const dashes = [...stem.matchAll(/-/g)].map(({ index }) => index);
    return dashes
        .map((dash) => ({ name: stem.slice(0, dash), version: stem.slice(dash + 1) }))
        .filter(({ name, version }) => isProjectName(name) && parseVersion(version) !== undefined);
}
/**
 * The releases (normalised project, version) that a base name can belong to, without a look into the file: for an sdist
 * one for each dash at which its version could begin; none when the name is no distribution's.
 */
function releasesOf(file) {
    const kind = distributionKind(file);
    const [name = '', version = ''] = file.split('-');
    const isRelease = isProjectName(name) && parseVersion(version) !== undefined;
    const wheel = kind === 'wheel' && isRelease ? [{ name, version }] : [];
    const splits = kind === 'sdist' ? sdistSplits(file) : wheel;
    return splits.map((split) => ({ project: normalizeName(split.name), version: split.version }));
}
/** E_DIST_MISMATCH for each of name and version in which a file name and its metadata differ (compared normalised). */
function mismatches(filename, metadata) {
    const source = filename.kind === 'wheel' ? 'METADATA' : 'PKG-INFO';
    const problems = [];
    if (normalizeName(filename.name) !== normalizeName(metadata.name)) {
        problems.push(projectMismatch(filename.file, filename.name, metadata.name, source));
    }
    if (!sameVersion(filename.version, metadata.version)) {
        problems.push(versionMismatch(filename, metadata.version, source));
    }
    return problems;
}
function projectMismatch(file, inName, inMetadata, source) {
    return {
        code: 'E_DIST_MISMATCH',
        message: `the name of ${file} says project ${normalizeName(inName)}; its ${source} says ${(0,lib_text/* printable */.g$)(inMetadata)}`,
        hint: 'Build it again: a renamed file keeps the metadata of the project that it was built from.',
    };
}
function versionMismatch(filename, inMetadata, source) {
    const build = filename.kind === 'wheel' ? filename.build : undefined;
    const found = normalizeVersion(inMetadata) ?? (0,lib_text/* printable */.g$)(inMetadata);
    const says = `version ${normalizeVersion(filename.version)}${build === undefined ? '' : `, build tag ${build}`}`;
    // What is meant as a post release becomes a build tag in a wheel's name, and would go up as the old version.
    const dashed = build !== undefined && sameVersion(`${filename.version}-${build}`, inMetadata);
    return {
        code: 'E_DIST_MISMATCH',
        message: `the name of ${filename.file} says ${says}; its ${source} says version ${found}`,
        hint: dashed
            ? `Write the version as ${found} where the project declares it and build again: behind a dash it is a build tag.`
            : 'Build it again: a renamed file keeps the version that it was built with.',
    };
}
/** What an index, another client or another machine may stumble over in a name that is valid: sentences without the file's name. */
function filenameWarnings(filename) {
    const { file, name, version } = filename;
    const warnings = [];
    const canonical = `${normalizeName(name).replaceAll('-', '_')}-${normalizeVersion(version)}`;
    if (`${name}-${version}` !== canonical) {
        warnings.push(`the file name is not normalised: PyPI wants it to begin with ${canonical}`);
    }
    if (file.endsWith('.zip'))
        warnings.push('an sdist as .zip is refused by PyPI and uv: .tar.gz is the format (PEP 625)');
    if (filename.kind === 'wheel' && filename.platformTag.split('.').some((tag) => tag.startsWith('linux_'))) {
        warnings.push(`the platform tag ${filename.platformTag} promises no glibc version: PyPI wants manylinux or musllinux`);
    }
    return warnings;
}
function nameError(file, reason, hint) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_DIST_NAME',
        message: `the file name ${(0,lib_text/* printable */.g$)(file)} ${reason}`,
        hint: hint ?? 'Build the distribution again and publish the file under the name that the build tool gave it.',
    });
}

;// CONCATENATED MODULE: ./lib/distributions/metadata.js




/** The fields of core metadata 1.0 to 2.6 by lower-case header name, `*` where a field may be repeated. */
const FIELDS_BY_VERSION = [
    ['1.0', 'metadata-version name version platform* summary description keywords home-page author author-email license'],
    ['1.1', 'supported-platform* classifier* download-url requires* provides* obsoletes*'],
    [
        '1.2',
        'maintainer maintainer-email requires-dist* provides-dist* obsoletes-dist* requires-external* requires-python project-url*',
    ],
    ['2.1', 'description-content-type provides-extra*'],
    ['2.2', 'dynamic*'],
    ['2.4', 'license-expression license-file*'],
    ['2.5', 'import-name* import-namespace*'],
];
/** Every field of the specification, with the metadata version that brought it. */
const CORE_METADATA_FIELDS = new Map(FIELDS_BY_VERSION.flatMap(([since, names]) => names.split(' ').map((name) => [name.replace('*', ''), { multiple: name.endsWith('*'), since }])));
/** A line that belongs to the header block, as CPython's `email.parser` decides it. */
const HEADER_LINE = /^(?:From |[!-9;-~]*:|[\t ])/;
const LINE_END = /^(?:\r\n|\r|\n)/;
/** What Python's `str.strip()` takes away: not U+FEFF as trim() does, but the four separators and U+0085. */
const PYTHON_BLANKS = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;
/** What setuptools of former times put before each further line of a folded Description. */
const FOLDED = /(\r\n|\r|\n)(?: {7}\|| {8})/g;
/** The word that setuptools of former times wrote where nothing was known. */
const UNKNOWN = 'UNKNOWN';
const NEVER_DROPPED = new Set(['metadata-version', 'name', 'version']);
/**
 * Reads METADATA or PKG-INFO as the core metadata specification defines it (what `email.parser` of CPython 3.14 makes of
 * it, and `packaging` of that), with two exceptions: a folded Description loses its indentation, and `UNKNOWN` counts as
 * absent. `shownName` begins the sentences: "METADATA of demo-1.0-py3-none-any.whl".
 *
 * Throws E_DIST_METADATA for what makes a file unfit for any index, all faults together: not UTF-8, NUL, a Name or
 * Version that is missing, repeated or invalid, a metadata version whose major number is above 2.
 */
function parseCoreMetadata(bytes, shownName) {
    const { headers, body } = readMessage(decode(bytes, shownName));
    const fields = new Map();
    const malformed = new Map();
    for (const [name, values] of headers) {
        const read = readField(name, values);
        if (typeof read === 'string')
            malformed.set(name, read);
        else
            fields.set(name, read);
    }
    addBody(body, fields, malformed);
    checkFitness(fields, malformed, shownName);
    return {
        name: fields.get('name')?.[0] ?? '',
        version: fields.get('version')?.[0] ?? '',
        metadataVersion: fields.get('metadata-version')?.[0],
        fields: withoutUnknown(fields),
        malformed,
    };
}
/** Python's `str.strip()`. */
function pythonStrip(text) {
    return text.replace(PYTHON_BLANKS, '');
}
function decode(bytes, shownName) {
    const problems = new lib_errors/* ProblemList */.Ku();
    const hint = 'Build it again: the file is damaged, or it was written by a tool that knows no core metadata.';
    let text = '';
    try {
        text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    }
    catch {
        problems.add({ code: 'E_DIST_METADATA', message: `${shownName} is not UTF-8`, hint });
    }
    if (text.includes('\0'))
        problems.add({ code: 'E_DIST_METADATA', message: `${shownName} holds a NUL character`, hint });
    if (text.startsWith('\ufeff')) {
        const message = `${shownName} begins with a byte order mark, so that no reader finds its first field`;
        problems.add({ code: 'E_DIST_METADATA', message, hint });
    }
    problems.throwIfAny();
    return text;
}
function readMessage(text) {
    const { lines, bodyStart } = headerLines(text);
    const { blocks, firstOfBody } = headerBlocks(lines);
    const headers = new Map();
    for (const block of blocks) {
        const colon = block.indexOf(':');
        const name = block.slice(0, colon).toLowerCase();
        const value = headerValue(name, block.slice(colon + 1));
        const values = headers.get(name);
        if (values === undefined)
            headers.set(name, [value]);
        else
            values.push(value);
    }
    return { headers, body: firstOfBody + text.slice(bodyStart) };
}
/** The lines of the header block with their ends. An empty line ends it and belongs to nobody; any other odd line begins the body. */
function headerLines(text) {
    const line = /[^\r\n]*(?:\r\n|\r|\n|$)/y;
    const lines = [];
    let position = 0;
    while (position < text.length) {
        line.lastIndex = position;
        const found = line.exec(text)?.[0] ?? '';
        if (!HEADER_LINE.test(found))
            return { lines, bodyStart: position + (LINE_END.exec(found)?.[0].length ?? 0) };
        lines.push(found);
        position += found.length;
    }
    return { lines, bodyStart: position };
}
/** Joins each header with its continuation lines. What belongs to no header is dropped, as CPython drops it. */
function headerBlocks(lines) {
    const blocks = [];
    let current;
    let firstOfBody = '';
    for (const [index, line] of lines.entries()) {
        const isContinuation = /^[\t ]/.test(line);
        if (isContinuation) {
            current?.push(line);
        }
        else if (line.startsWith('From ')) {
            // An envelope line: the last line of the header block is taken for the first of the body.
            current = undefined;
            if (index > 0 && index === lines.length - 1)
                firstOfBody = line;
        }
        else {
            current = line.startsWith(':') ? undefined : [line];
            if (current)
                blocks.push(current);
        }
    }
    return { blocks: blocks.map((block) => block.join('')), firstOfBody };
}
/** Continuation lines stay as they are, but for the folding that setuptools put into a Description. */
function headerValue(name, text) {
    const unfolded = name === 'description' ? text.replace(FOLDED, '$1') : text;
    return unfolded.replace(/^[ \t\r\n]+/, '').replace(/[\r\n]+$/, '');
}
/** The values of a field, or the reason why they cannot be used. */
function readField(name, values) {
    const field = CORE_METADATA_FIELDS.get(name);
    const [first = ''] = values;
    if (field === undefined)
        return 'no field of the core metadata';
    if (!field.multiple && values.length > 1)
        return `stands ${values.length} times`;
    if (name === 'keywords')
        return [first.split(',').map(pythonStrip).join(', ')];
    if (name === 'project-url')
        return projectUrls(values);
    // An empty Import-Name says that the distribution has no module to import.
    if (name === 'import-name' && values.length === 1 && first === '')
        return [];
    return values;
}
function projectUrls(values) {
    const urls = new Map();
    for (const value of values) {
        const comma = value.indexOf(',');
        const label = pythonStrip(comma < 0 ? value : value.slice(0, comma));
        if (urls.has(label))
            return `has the label '${(0,lib_text/* printable */.g$)(label, 60)}' twice`;
        urls.set(label, comma < 0 ? '' : pythonStrip(value.slice(comma + 1)));
    }
    return [...urls].map(([label, url]) => `${label}, ${url}`);
}
/** The body is the description; where a header has one too, nobody knows which is right. */
function addBody(body, fields, malformed) {
    if (body === '')
        return;
    if (fields.delete('description'))
        malformed.set('description', 'stands in a header and again below the headers');
    else if (!malformed.has('description'))
        fields.set('description', [body]);
}
/** Faults that no index could live with, whatever `verify-metadata` says. */
function checkFitness(fields, malformed, shownName) {
    const problems = new lib_errors/* ProblemList */.Ku();
    const add = (message) => problems.add({
        code: 'E_DIST_METADATA',
        message: `${shownName} ${message}`,
        hint: 'Mend the metadata of the project and build it again.',
    });
    const name = fields.get('name')?.[0];
    if (!name)
        add(metadata_missing('Name', malformed.get('name')));
    else if (!isProjectName(name))
        add(`has the Name '${(0,lib_text/* printable */.g$)(name)}', which is none (ASCII letters, digits, . _ -)`);
    const version = fields.get('version')?.[0];
    if (!version)
        add(metadata_missing('Version', malformed.get('version')));
    else if (parseVersion(version) === undefined)
        add(`has the Version '${(0,lib_text/* printable */.g$)(version)}', which is none (PEP 440)`);
    const declared = fields.get('metadata-version')?.[0];
    const major = /^([0-9]+)\.[0-9]+$/.exec(declared ?? '')?.[1];
    if (declared && major && Number(major) > 2) {
        add(`is of metadata version ${(0,lib_text/* printable */.g$)(declared)}: only versions 1 and 2 can be read`);
    }
    problems.throwIfAny();
}
function metadata_missing(header, reason) {
    return reason === undefined ? `has no ${header}` : `has an unusable ${header}: it ${reason}`;
}
function withoutUnknown(fields) {
    const result = new Map();
    for (const [name, values] of fields) {
        const known = NEVER_DROPPED.has(name) ? values : values.filter((value) => !isUnknown(name, value));
        // An Import-Name without a value has none left to drop, and says something all the same.
        if (known.length > 0 || values.length === 0)
            result.set(name, known);
    }
    return result;
}
function isUnknown(name, value) {
    // A description that was written below the headers always ends with line ends.
    return (name === 'description' ? pythonStrip(value) : value) === UNKNOWN;
}

;// CONCATENATED MODULE: ./lib/distributions/metadata-rules.js



/** Metadata versions by age. 2.0 was never adopted, but tools wrote it with the fields of 2.1: it counts as younger. */
const METADATA_VERSIONS = ['1.0', '1.1', '1.2', '2.1', '2.0', '2.2', '2.3', '2.4', '2.5', '2.6'];
/** More than these in one sentence help nobody. */
const metadata_rules_MOST_NAMED = 8;
/** What Python takes for the end of a line. */
const LINE_BOUNDARY = /[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
const CONTROL_CHARACTER = /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/;
const CONTENT_TYPE = /^\s*([^\s;]+)\s*((?:;\s*[^\s;="]+\s*=\s*(?:[^\s;="]+|"[^"\\]*")\s*)*);?\s*$/;
const PARAMETER = /;\s*([^\s;="]+)\s*=\s*(?:([^\s;="]+)|"([^"\\]*)")/g;
const CONTENT_TYPES = ['text/plain', 'text/x-rst', 'text/markdown'];
const MARKDOWN_VARIANTS = ['GFM', 'CommonMark'];
const NEVER_DYNAMIC = ['name', 'version', 'metadata-version'];
const IDENTIFIER = (0,lib_text/* unicodePattern */.ge)('^[\\p{XID_Start}_]\\p{XID_Continue}*$');
/** The words that Python reserves: none can be the name of a module. */
const PYTHON_KEYWORDS = new Set(('False None True and as assert async await break class continue def del elif else except finally for from global ' +
    'if import in is lambda nonlocal not or pass raise return try while with yield').split(' '));
/**
 * Checks core metadata as twine 7 does before an upload (`packaging.metadata.Metadata.from_raw`), with these
 * differences: a metadata version newer than 2.6 and the never adopted 2.0 are warnings; dependency specifiers,
 * `Requires-Python`, and whether SPDX lists the licenses of an expression, are left to the index.
 */
function checkCoreMetadata(metadata) {
    const { malformed, metadataVersion } = metadata;
    const isNewer = isNewerVersion(metadataVersion);
    const faults = [...versionFaults(metadata, isNewer), ...ageFaults(metadata), ...valueFaults(metadata, isNewer)];
    const warnings = [...versionWarnings(metadataVersion, isNewer), ...contentWarnings(metadata, isNewer)];
    // What a newer metadata version brought can neither be judged nor named in the form; the file itself has it.
    const [unknown, unusable] = [[...malformed.keys()].filter(isUnknownField), [...malformed].filter(isKnownField)];
    if (unknown.length > 0) {
        const listed = listFields(unknown);
        if (isNewer)
            warnings.push(`fields that this action does not know are not sent: ${listed}`);
        else
            faults.push(`has fields that are none of the core metadata: ${listed}`);
    }
    faults.push(...unusable.map(([name, reason]) => `has an unusable ${headerName(name)}: it ${reason}`));
    return { faults, warnings };
}
/** setuptools wrote License-File years before metadata 2.4 defined it: until then it is not sent, whatever it says. */
function metadata_rules_hasLicenseFiles(metadataVersion, isNewer) {
    return isNewer || ageOf(metadataVersion) >= ageOf('2.4');
}
function isUnknownField(name) {
    return !CORE_METADATA_FIELDS.has(name);
}
function isKnownField([name]) {
    return CORE_METADATA_FIELDS.has(name);
}
function ageOf(metadataVersion) {
    return METADATA_VERSIONS.indexOf(metadataVersion ?? '');
}
function isNewerVersion(metadataVersion) {
    const minor = /^2\.([1-9][0-9]*)$/.exec(metadataVersion ?? '')?.[1];
    return minor !== undefined && Number(minor) > 6;
}
function versionFaults({ metadataVersion, malformed }, isNewer) {
    if (isNewer || ageOf(metadataVersion) >= 0 || malformed.has('metadata-version'))
        return [];
    if (metadataVersion === undefined)
        return ['has no Metadata-Version'];
    return [`has the Metadata-Version ${metadata_rules_quoted(metadataVersion)}, which does not exist`];
}
function versionWarnings(metadataVersion, isNewer) {
    if (isNewer)
        return [`metadata version ${metadataVersion} is newer than 2.6, the newest that this action knows`];
    return metadataVersion === '2.0' ? ['metadata version 2.0 was never adopted: PyPI and twine refuse it'] : [];
}
/** Fields that the declared metadata version does not have. License-File is dropped instead, as twine drops it. */
function ageFaults({ fields, metadataVersion }) {
    const declared = ageOf(metadataVersion);
    if (declared < 0)
        return [];
    const early = [...fields.keys()].filter((name) => {
        const since = CORE_METADATA_FIELDS.get(name)?.since;
        return name !== 'license-file' && ageOf(since) > declared;
    });
    return early.map((name) => {
        const since = CORE_METADATA_FIELDS.get(name)?.since;
        return `declares metadata version ${metadataVersion} and has ${headerName(name)}, which came with ${since}`;
    });
}
function valueFaults({ fields, metadataVersion }, isNewer) {
    const rules = [
        ['summary', summaryFault],
        ['description-content-type', contentTypeFault],
        ['dynamic', dynamicFault],
        ['provides-extra', extraFault],
        ['license-expression', licenseExpressionFault],
        ['license-file', metadata_rules_hasLicenseFiles(metadataVersion, isNewer) ? licenseFileFault : () => undefined],
        ['import-name', importNameFault],
        ['import-namespace', importNameFault],
    ];
    // One fault a field: a thousand bad values say no more than the first one.
    return rules.flatMap(([name, fault]) => {
        for (const value of fields.get(name) ?? []) {
            const reason = fault(value);
            if (reason !== undefined)
                return [`has the ${headerName(name)} ${metadata_rules_quoted(value)}: ${reason}`];
        }
        return [];
    });
}
function contentWarnings({ fields, metadataVersion }, isNewer) {
    const warnings = [];
    if (!fields.has('description'))
        warnings.push('there is no Description');
    else if (!fields.has('description-content-type')) {
        warnings.push('there is no Description-Content-Type: indexes take the description for reStructuredText');
    }
    if (fields.has('license-file') && !metadata_rules_hasLicenseFiles(metadataVersion, isNewer)) {
        warnings.push(`License-File is not sent: metadata version ${metadataVersion ?? 'unknown'} does not have it (2.4 does)`);
    }
    return warnings;
}
function summaryFault(value) {
    return LINE_BOUNDARY.test(value) ? 'it must be one line' : undefined;
}
function contentTypeFault(value) {
    const [, type = '', parameterText = ''] = CONTENT_TYPE.exec(value) ?? [];
    if (CONTROL_CHARACTER.test(value) || type === '')
        return 'it is no media type';
    if (!CONTENT_TYPES.includes(type.toLowerCase()))
        return `it must be one of ${CONTENT_TYPES.join(', ')}`;
    const parameters = [...parameterText.matchAll(PARAMETER)].map(([, name = '', word, text]) => [
        name.toLowerCase(),
        word ?? text ?? '',
    ]);
    const values = new Map(parameters);
    if (values.size < parameters.length)
        return 'it has a parameter twice';
    if ((values.get('charset') ?? 'utf-8').toLowerCase() !== 'utf-8')
        return 'the charset can only be UTF-8';
    const isMarkdown = type.toLowerCase() === 'text/markdown';
    const isKnownVariant = MARKDOWN_VARIANTS.includes(values.get('variant') ?? 'GFM');
    return isMarkdown && !isKnownVariant ? `the variant must be ${MARKDOWN_VARIANTS.join(' or ')}` : undefined;
}
function dynamicFault(value) {
    const name = value.toLowerCase();
    if (NEVER_DYNAMIC.includes(name))
        return 'this field can never be dynamic';
    return CORE_METADATA_FIELDS.has(name) ? undefined : 'no field has this name';
}
function extraFault(value) {
    return isProjectName(value) ? undefined : 'an extra is named with ASCII letters, digits, . _ and -';
}
/** The grammar of SPDX expressions without their list of licenses, which grows faster than releases of this action. */
function licenseExpressionFault(value) {
    const tokens = value.replace(/[()]/g, ' $& ').split(/\s+/).filter(Boolean);
    let depth = 0;
    let previous = '(';
    for (const word of [...tokens, '']) {
        const token = /^(?:and|or|with)$/i.test(word) ? word.toLowerCase() : word;
        if (!mayFollow(previous, token))
            return 'it is no SPDX license expression';
        depth += token === '(' ? 1 : token === ')' ? -1 : 0;
        if (depth < 0 || depth > 200)
            return 'its parentheses do not match';
        // An exception closes its license as a parenthesis closes a group: no second WITH follows.
        previous = previous === 'with' ? ')' : token;
    }
    return depth === 0 ? undefined : 'its parentheses do not match';
}
/** '' stands for the end. */
function mayFollow(previous, token) {
    const isOperand = /^[A-Za-z0-9.-]+\+?$/.test(token) && !['and', 'or', 'with'].includes(token);
    if (previous === 'with')
        return isOperand;
    if (['(', 'and', 'or'].includes(previous))
        return isOperand || token === '(';
    if (previous === ')')
        return ['and', 'or', ')', ''].includes(token);
    return ['and', 'or', 'with', ')', ''].includes(token);
}
function licenseFileFault(value) {
    if (value.includes('..'))
        return 'it must not lead to a parent directory';
    if (value.includes('*'))
        return 'it must be one file, not a pattern';
    if (/^(?:\/|\\|.:)/s.test(value))
        return 'it must be relative';
    const parts = value.split('/');
    const isPlain = !value.includes('\\') && parts.every((part) => part !== '' && part !== '.');
    return isPlain ? undefined : 'it must be a plain path with /';
}
function importNameFault(value) {
    const semicolon = value.indexOf(';');
    const name = semicolon < 0 ? value : value.slice(0, semicolon);
    const odd = name
        .trimEnd()
        .split('.')
        .find((part) => !IDENTIFIER().test(part) || PYTHON_KEYWORDS.has(part));
    if (odd !== undefined)
        return `${metadata_rules_quoted(odd)} cannot be the name of a module`;
    const isPrivate = semicolon < 0 || value.slice(semicolon + 1).trimStart() === 'private';
    return isPrivate ? undefined : "only '; private' may stand behind it";
}
function listFields(names) {
    const named = names.slice(0, metadata_rules_MOST_NAMED).map((name) => (0,lib_text/* printable */.g$)(headerName(name), 60));
    const rest = names.length - named.length;
    return `${named.join(', ')}${rest > 0 ? ` and ${(0,lib_text/* count */.U9)(rest, 'other')}` : ''}`;
}
/** `license-file` as the specification writes it. */
function headerName(name) {
    const words = name.split('-').map((word) => (word === 'url' ? 'URL' : word.charAt(0).toUpperCase() + word.slice(1)));
    return words
        .join('-')
        .replace(/-Email$/, '-email')
        .replace(/^Home-Page$/, 'Home-page');
}
function metadata_rules_quoted(value) {
    return `'${(0,lib_text/* printable */.g$)(value, 80)}'`;
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __nccwpck_require__(3024);
;// CONCATENATED MODULE: ./lib/distributions/open-file.js




/** Bytes of one chunk of an upload. */
const open_file_CHUNK_BYTES = 256 * 1024;
/**
 * A distribution, opened once: its check, its hash and its upload all read this one descriptor, so that nobody can put
 * another file in its place in between. The descriptor stays open until `close()`.
 */
class OpenFile {
    /** How the file is named to people: one printable line. */
    shownName;
    /** Size in bytes, as it was when the file was opened. */
    size;
    #descriptor;
    #sealed;
    constructor(descriptor, shownName, size) {
        this.#descriptor = descriptor;
        this.shownName = shownName;
        this.size = size;
        this.seal();
    }
    /**
     * Opens a regular file for reading. Never waits: not for the writer of a FIFO either.
     * `noFollow` is the system's flag that refuses links; 0 where there is none (Windows): the path is then looked at
     * before, and must be what was opened.
     *
     * @throws PublishError E_DIST_LINK for a symbolic link, E_DIST_FILE for anything else that is no readable regular
     *   file, E_DIST_CHANGED when the path changed hands while it was opened
     */
    static open(path, shownName, noFollow = external_node_fs_.constants.O_NOFOLLOW ?? 0) {
        const shown = (0,lib_text/* printable */.g$)(shownName);
        const seen = noFollow === 0 ? regularFile(shown, () => (0,external_node_fs_.lstatSync)(path, { bigint: true })) : undefined;
        const flags = external_node_fs_.constants.O_RDONLY | (external_node_fs_.constants.O_NONBLOCK ?? 0) | noFollow;
        const descriptor = reading(shown, () => (0,external_node_fs_.openSync)(path, flags));
        try {
            const opened = regularFile(shown, () => (0,external_node_fs_.fstatSync)(descriptor, { bigint: true }));
            if (seen !== undefined && !sameState(seen, opened))
                throw changed(shown, 'another file took its place');
            return new OpenFile(descriptor, shown, Number(opened.size));
        }
        catch (error) {
            (0,external_node_fs_.closeSync)(descriptor);
            throw error;
        }
    }
    /**
     * Takes over the descriptor of a regular file that this process wrote itself, and that need not have a path any more.
     * `close()` closes it; when this throws, the caller does.
     *
     * @throws PublishError E_DIST_FILE for anything that is no regular file
     */
    static adopt(descriptor, shownName) {
        const shown = (0,lib_text/* printable */.g$)(shownName);
        const { size } = regularFile(shown, () => (0,external_node_fs_.fstatSync)(descriptor, { bigint: true }));
        return new OpenFile(descriptor, shown, Number(size));
    }
    /**
     * Bytes `position` to `position + length`, all of them, at the start of `into`, or in a buffer of their own.
     *
     * @throws PublishError E_DIST_LAYOUT when they were never in the file (an archive that is cut off, or points past its
     *   end), E_DIST_CHANGED when the file became shorter, E_DIST_FILE when the system cannot read it
     */
    readSync(position, length, into) {
        const end = position + length;
        // Before anything is allocated: the numbers come out of an archive.
        if (!(position >= 0 && length >= 0 && end <= this.size)) {
            throw new lib_errors/* PublishError */.S1({
                code: 'E_DIST_LAYOUT',
                message: `${this.shownName}: the archive is cut off or corrupt: it has ${(0,lib_text/* count */.U9)(this.size, 'byte')} and points at byte ${end}`,
                hint: 'Build the distribution again, and compare its size with that of the file where it was built.',
            });
        }
        const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
        let filled = 0;
        while (filled < length) {
            const read = this.#readInto(buffer, filled, position + filled);
            if (read === 0)
                throw changed(this.shownName, 'it became shorter while it was read');
            filled += read;
        }
        return buffer;
    }
    #readInto(buffer, offset, position) {
        const descriptor = this.#open();
        return reading(this.shownName, () => (0,external_node_fs_.readSync)(descriptor, buffer, offset, buffer.length - offset, position));
    }
    /**
     * Remembers the state of the file. The first call counts, and opening the file makes it; a later one only asserts
     * that nothing changed: what was checked, what was hashed and what is sent must be one and the same.
     *
     * @throws PublishError E_DIST_CHANGED
     */
    seal() {
        if (this.#sealed === undefined)
            this.#sealed = this.#state();
        else
            this.assertUnchanged();
    }
    /** @throws PublishError E_DIST_CHANGED when the file is not what it was when it was opened */
    assertUnchanged() {
        const now = this.#state();
        if (this.#sealed === undefined || sameState(this.#sealed, now))
            return;
        const before = this.#sealed.size;
        const found = now.size === before ? 'its content or its inode was written to' : `it had ${before} bytes and has ${now.size}`;
        throw changed(this.shownName, found);
    }
    #state() {
        const descriptor = this.#open();
        return reading(this.shownName, () => (0,external_node_fs_.fstatSync)(descriptor, { bigint: true }));
    }
    /**
     * The whole file from its start, in chunks of `chunkBytes` bytes; each attempt of an upload takes a stream of its own.
     * A chunk is handed out only after the next one was read and the file was seen unchanged, so the last one is held
     * back until everything is known to be what was hashed: a server never completes a file that changed.
     *
     * With a `ring` of three or more buffers of `chunkBytes` bytes, chunks lie in them in turn: the one that was handed out
     * stays as it is until the next but one is asked for. Without it each has a buffer of its own.
     *
     * @throws PublishError E_DIST_CHANGED; the signal's reason when it is aborted
     */
    async *content(chunkBytes = open_file_CHUNK_BYTES, signal, ring) {
        let held;
        let turn = 0;
        for (let position = 0; position < this.size; position += chunkBytes) {
            signal?.throwIfAborted();
            const into = ring?.[turn % ring.length];
            turn += 1;
            const chunk = this.readSync(position, Math.min(chunkBytes, this.size - position), into);
            this.assertUnchanged();
            if (held !== undefined)
                yield held;
            held = chunk;
            // Reading is synchronous: a fast consumer must not keep timers, signals and other uploads waiting.
            await (0,promises_.setImmediate)();
        }
        signal?.throwIfAborted();
        this.assertUnchanged();
        if (held !== undefined)
            yield held;
    }
    /**
     * The whole file at the start of `into`, seen unchanged.
     *
     * @throws PublishError E_DIST_CHANGED
     */
    readWhole(into) {
        this.readSync(0, this.size, into);
        this.assertUnchanged();
    }
    /** Gives the descriptor back. May be called again; every other method is a programming error afterwards. */
    close() {
        const descriptor = this.#descriptor;
        this.#descriptor = undefined;
        if (descriptor !== undefined)
            (0,external_node_fs_.closeSync)(descriptor);
    }
    #open() {
        if (this.#descriptor === undefined)
            throw new Error('a closed distribution was read');
        return this.#descriptor;
    }
}
function sameState(a, b) {
    return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}
function changed(shownName, found) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_DIST_CHANGED',
        message: `${shownName} changed while it was checked and sent: ${found}`,
        hint: 'Let the build finish before this step, and let no other process write to the directory of the distributions.',
    });
}
/** The state of what must be a regular file. */
function regularFile(shownName, look) {
    const stats = reading(shownName, look);
    if (stats.isSymbolicLink())
        throw linkFault(shownName);
    if (!stats.isFile())
        throw notAFile(shownName, `is ${kindOf(stats)}, not a regular file`);
    return stats;
}
function kindOf(stats) {
    if (stats.isDirectory())
        return 'a directory';
    if (stats.isFIFO())
        return 'a FIFO';
    if (stats.isSocket())
        return 'a socket';
    return 'a device';
}
/** Runs one system call; its failure becomes a sentence. */
function reading(shownName, call) {
    try {
        return call();
    }
    catch (error) {
        const code = (0,lib_errors/* errorCodeOf */.D9)(error);
        // What O_NOFOLLOW answers for a link: ELOOP on Linux and macOS, EMLINK on FreeBSD.
        if (code === 'ELOOP' || code === 'EMLINK')
            throw linkFault(shownName);
        if (code === 'ENXIO')
            throw notAFile(shownName, 'is a socket or a device, not a regular file');
        throw notAFile(shownName, `cannot be read (${code ?? 'unknown error'})`, error);
    }
}
/** E_DIST_LINK for a path that must not be one. */
function linkFault(shownName) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_DIST_LINK',
        message: `${shownName} is a symbolic link, and only regular files are published`,
        hint: 'Copy the file itself to this place: what a link points to can be another file by the time it is sent.',
    });
}
/** E_DIST_FILE for what is no regular file that can be read; `found` goes on with the sentence. */
function notAFile(shownName, found, cause) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_DIST_FILE',
        message: `${shownName} ${found}`,
        hint: 'A distribution must be a regular file that the user of this job may read.',
        cause,
    });
}

// EXTERNAL MODULE: ./lib/distributions/archive-fault.js
var archive_fault = __nccwpck_require__(6716);
// EXTERNAL MODULE: ./lib/distributions/gzip.js
var gzip = __nccwpck_require__(6647);
// EXTERNAL MODULE: ./lib/distributions/archive-path.js
var archive_path = __nccwpck_require__(3569);
;// CONCATENATED MODULE: ./lib/distributions/source-tree.js



const NAME = 'PKG-INFO';
/**
 * The tree that an sdist's members make, as they go by: one root directory with exactly one PKG-INFO in it. A second
 * one under any name that a file system takes for the same, or written through a link, would be the one that an
 * installer ends up with.
 */
class SourceTree {
    #file;
    #links = new Set();
    #outside = [];
    #root;
    #hasMetadata = false;
    constructor(file) {
        this.#file = file;
    }
    /**
     * Takes the next member in. True when it is the PKG-INFO that counts.
     *
     * @throws PublishError E_DIST_LAYOUT
     */
    add(member) {
        const segments = (0,archive_path/* segmentsOf */.O)(member.name);
        const [root, ...below] = segments;
        if (root === undefined && member.kind === 'directory')
            return false;
        if (root === undefined || (below.length === 0 && member.kind !== 'directory')) {
            throw (0,archive_fault/* layoutFault */.jt)(this.#file, `${(0,lib_text/* printable */.g$)(member.name, 120)} stands beside the root directory, which must hold all`);
        }
        this.#root ??= root;
        if (root !== this.#root) {
            const both = `${(0,lib_text/* printable */.g$)(this.#root, 120)} and ${(0,lib_text/* printable */.g$)(root, 120)}`;
            throw (0,archive_fault/* layoutFault */.jt)(this.#file, `expected one root directory, found ${both}`);
        }
        this.#checkLinks(member, segments);
        return this.#isMetadata(member, below);
    }
    #isMetadata(member, below) {
        // As the file systems of Windows and macOS see it: case does not count, `\` divides.
        const place = (0,archive_path/* segmentsOf */.O)(below.join('/').replaceAll('\\', '/'));
        if (place[0]?.toUpperCase() !== NAME)
            return false;
        const shown = (0,lib_text/* printable */.g$)(member.name, 120);
        if (this.#hasMetadata)
            throw (0,archive_fault/* layoutFault */.jt)(this.#file, `expected one ${NAME} in the root directory, found a second: ${shown}`);
        if (member.kind !== 'file')
            throw (0,archive_fault/* layoutFault */.jt)(this.#file, `${shown} is a ${member.kind}, and must be a file`);
        if (below.length !== 1 || below[0] !== NAME) {
            throw (0,archive_fault/* layoutFault */.jt)(this.#file, `${shown} stands where ${NAME} must be, under a name that not all systems tell from it`);
        }
        this.#hasMetadata = true;
        return true;
    }
    #checkLinks(member, segments) {
        if (this.#links.size > 0 && prefixes(segments).some((path) => this.#links.has(path))) {
            throw (0,archive_fault/* layoutFault */.jt)(this.#file, `${(0,lib_text/* printable */.g$)(member.name, 120)} would be written through a link of the archive`);
        }
        if (member.kind !== 'symbolic link' && member.kind !== 'hard link')
            return;
        this.#links.add(key(segments));
        if (leavesRoot(member, segments))
            this.#outside.push(member.name);
    }
    /**
     * The root's name, when the last member went by.
     *
     * @throws PublishError E_DIST_METADATA when there was no PKG-INFO
     */
    finish() {
        if (this.#root === undefined || !this.#hasMetadata) {
            const place = this.#root === undefined ? 'no file at all' : `none at ${(0,lib_text/* printable */.g$)(this.#root, 120)}/${NAME}`;
            throw (0,archive_fault/* metadataFault */.uK)(this.#file, `expected ${NAME} in the root directory of the sdist, found ${place}`);
        }
        return { root: this.#root, warnings: this.#warnings() };
    }
    #warnings() {
        const [first, ...others] = this.#outside;
        if (first === undefined)
            return [];
        const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
        return [
            `the link ${(0,lib_text/* printable */.g$)(first, 120)}${more} points out of the sdist, and installers leave it out or refuse it`,
        ];
    }
}
function key(segments) {
    return segments.join('/').toLowerCase();
}
/** `a`, `a/b`, `a/b/c`. */
function prefixes(segments) {
    return segments.map((_, index) => key(segments.slice(0, index + 1)));
}
function leavesRoot({ kind, target }, segments) {
    if (target.startsWith('/') || /^[A-Za-z]:|^\\/.test(target))
        return true;
    // A hard link names its target from the top of the archive, a symbolic one from where it stands.
    const path = kind === 'hard link' ? [] : segments.slice(0, -1);
    for (const part of (0,archive_path/* segmentsOf */.O)(target)) {
        if (part !== '..')
            path.push(part);
        else if (path.pop() === undefined)
            return true;
    }
    return path[0] !== segments[0];
}

// EXTERNAL MODULE: ./lib/distributions/tar.js + 1 modules
var tar = __nccwpck_require__(2179);
// EXTERNAL MODULE: ./lib/distributions/zip.js
var zip = __nccwpck_require__(8600);
;// CONCATENATED MODULE: ./lib/distributions/sdist.js






/** Bytes of PKG-INFO. */
const LONGEST_METADATA = 8 * 1024 ** 2;
/**
 * Reads the core metadata of an sdist: `.tar.gz` (PEP 625), or `.zip` by its extension. The whole archive is scanned,
 * since PKG-INFO may be its last member; nothing is unpacked.
 *
 * @throws PublishError E_DIST_LAYOUT for an archive that is broken or that two readers could read differently,
 *   E_DIST_METADATA without `{root}/PKG-INFO`, E_DIST_LIMIT for a bomb; the signal's reason when it is aborted
 */
async function readSdist(file, options) {
    return (0,archive_fault/* orCorrupt */.PF)(file, options.signal, () => file.shownName.endsWith('.zip') ? readZipSdist(file, options) : readTarSdist(file, options.signal));
}
async function readTarSdist(file, signal) {
    const tree = new SourceTree(file);
    let metadata = Buffer.alloc(0);
    for await (const member of (0,tar/* tarMembers */.F)(file, (0,gzip/* gunzip */.k)(file, signal))) {
        if (!tree.add(member))
            continue;
        if (member.size > LONGEST_METADATA)
            throw tooLong(file, member.name);
        metadata = await member.content();
    }
    return { metadata, ...tree.finish() };
}
async function readZipSdist(file, options) {
    const { members, warnings } = await (0,zip/* readZip */.ue)(file, options);
    const tree = new SourceTree(file);
    const found = members.filter((member) => tree.add({ kind: sdist_kindOf(member), name: member.name, target: '' }));
    const { root, warnings: ofTree } = tree.finish();
    const [pkgInfo] = found;
    if (pkgInfo === undefined)
        throw new Error('a tree with PKG-INFO has none');
    if (pkgInfo.size > LONGEST_METADATA)
        throw tooLong(file, pkgInfo.name);
    const metadata = await (0,zip/* readMember */.hd)(file, pkgInfo, options.signal);
    return { metadata, root, warnings: [...warnings, ...ofTree] };
}
function sdist_kindOf(member) {
    if (member.isDirectory)
        return 'directory';
    return member.isSpecial ? 'symbolic link' : 'file';
}
function tooLong(file, name) {
    return (0,archive_fault/* limitFault */.us)(file, `${(0,lib_text/* printable */.g$)(name, 120)} has more than ${(0,lib_text/* formatBytes */.z3)(LONGEST_METADATA)}`);
}

;// CONCATENATED MODULE: ./lib/distributions/wheel.js







/** Bytes of the members that a wheel must have. */
const LIMITS = { METADATA: 8 * 1024 ** 2, WHEEL: 8 * 1024 ** 2, RECORD: 64 * 1024 ** 2 };
const EXTENSION = '.dist-info';
/**
 * Reads the core metadata of a wheel (binary distribution format): its one `.dist-info` directory must be that of the
 * file's name and hold METADATA, WHEEL and RECORD. Nothing is unpacked.
 *
 * @throws PublishError E_DIST_LAYOUT for an archive that is broken or that two readers could read differently,
 *   E_DIST_METADATA without METADATA, E_DIST_MISMATCH for a file that was renamed, E_DIST_LIMIT; the signal's reason
 *   when it is aborted
 */
async function readWheel(file, filename, options) {
    return (0,archive_fault/* orCorrupt */.PF)(file, options.signal, async () => {
        const { members, warnings } = await (0,zip/* readZip */.ue)(file, options);
        const folder = distInfo(file, members);
        const metadata = requiredMember(file, members, folder, 'METADATA');
        const wheel = requiredMember(file, members, folder, 'WHEEL');
        requiredMember(file, members, folder, 'RECORD');
        const bytes = await (0,zip/* readMember */.hd)(file, metadata, options.signal);
        if (!belongsTo(folder, filename))
            throwMisnamed(file, folder, filename, bytes);
        const tags = tagWarnings(await (0,zip/* readMember */.hd)(file, wheel, options.signal), filename);
        return { metadata: bytes, warnings: [...warnings, ...tags] };
    });
}
/** The one `.dist-info` directory, as it is written. Installers take the first, the last, or the one that they expect. */
function distInfo(file, members) {
    const folders = new Set();
    for (const { segments } of members) {
        if (segments[0]?.toLowerCase().endsWith(EXTENSION))
            folders.add(segments[0]);
    }
    const [folder, ...others] = folders;
    if (folder === undefined)
        throw (0,archive_fault/* metadataFault */.uK)(file, 'expected a .dist-info directory with METADATA, found none');
    if (others.length > 0) {
        const names = [folder, ...others].slice(0, 5).map((name) => (0,lib_text/* printable */.g$)(name, 120));
        throw (0,archive_fault/* layoutFault */.jt)(file, `expected one .dist-info directory, found ${(0,lib_text/* count */.U9)(folders.size, 'name')}: ${names.join(', ')}`);
    }
    return folder;
}
/** A member of the directory that may be there once only, also for file systems that ignore case. */
function requiredMember(file, members, folder, name) {
    const shown = `${(0,lib_text/* printable */.g$)(folder, 120)}/${name}`;
    const [member, second] = members.filter(({ segments }) => segments[0] === folder && segments.length === 2 && segments[1]?.toUpperCase() === name);
    if (member === undefined) {
        const fault = name === 'METADATA' ? archive_fault/* metadataFault */.uK : archive_fault/* layoutFault */.jt;
        throw fault(file, `expected ${shown}, found no such member: installers refuse a wheel without it`);
    }
    if (second !== undefined || member.name !== `${folder}/${name}`) {
        const other = second?.name ?? member.name;
        throw (0,archive_fault/* layoutFault */.jt)(file, `expected ${shown} once, found ${(0,lib_text/* printable */.g$)(other, 120)}, which not all systems tell from it`);
    }
    if (member.isSpecial)
        throw (0,archive_fault/* layoutFault */.jt)(file, `${shown} is a symbolic link or a device, and must be a file`);
    if (member.size > LIMITS[name])
        throw (0,archive_fault/* limitFault */.us)(file, `${shown} has more than ${(0,lib_text/* formatBytes */.z3)(LIMITS[name])}`);
    return member;
}
/** Installers choose a wheel by the tags of its name; those in WHEEL (PEP 427) say what was built. */
function tagWarnings(wheel, { pythonTag, abiTag, platformTag }) {
    const built = [new Set(), new Set(), new Set()];
    const lines = wheel.toString('utf8').matchAll(/^Tag:[ \t]*([^-\s]+)-([^-\s]+)-([^-\s]+)[ \t]*$/gim);
    for (const [, ...tags] of lines)
        for (const [index, tag] of tags.entries())
            built[index]?.add(tag);
    const named = [pythonTag, abiTag, platformTag];
    const isSame = built.every((tags, index) => tags.size === 0 || tagSet(tags) === tagSet([named[index] ?? '']));
    if (isSame)
        return [];
    const found = built.map((tags) => (0,lib_text/* printable */.g$)(tagSet(tags), 80)).join('-');
    return [`its WHEEL file says that it was built for ${found}, and its name says something else`];
}
/** Whether a directory is `{name}-{version}.dist-info` of the file's name, however the two are spelled. */
function belongsTo(folder, { name, version }) {
    if (!folder.endsWith(EXTENSION))
        return false;
    const words = folder.slice(0, -EXTENSION.length).split('-');
    return words.some((_, index) => {
        const [left, right] = [words.slice(0, index).join('-'), words.slice(index).join('-')];
        return (normalizeName(left) === normalizeName(name) &&
            sameVersion(right.replaceAll('_', '-'), version.replaceAll('_', '-')));
    });
}
/** A renamed file differs in its metadata too, and that says more than the directory's name does. */
function throwMisnamed(file, folder, filename, metadata) {
    const problems = new lib_errors/* ProblemList */.Ku();
    const read = parseCoreMetadata(metadata, `METADATA of ${file.shownName}`);
    for (const problem of mismatches(filename, read))
        problems.add(problem);
    problems.throwIfAny();
    const expected = `${filename.name}-${filename.version}${EXTENSION}`;
    throw (0,archive_fault/* layoutFault */.jt)(file, `expected the directory ${expected}, found ${(0,lib_text/* printable */.g$)(folder, 120)}`);
}

;// CONCATENATED MODULE: ./lib/distributions/check.js










/**
 * Opens, reads, checks and hashes every file. What comes back is fit to be sent, and open: whoever gets it closes each
 * `content`. The order is that of the upload: by project, then version, wheels before sdists, then by file name.
 *
 * Files with problems are left out and closed; all problems of all files are added to `problems`: E_DIST_NAME,
 * E_DIST_FILE, E_DIST_LINK, E_DIST_LAYOUT, E_DIST_LIMIT, E_DIST_METADATA, E_DIST_MISMATCH, E_DIST_CHANGED, and
 * E_DIST_DUPLICATE for two names of which an index could keep one only.
 *
 * @throws the signal's reason when it is aborted; nothing is left open then
 */
async function checkDistributions(found, options, problems) {
    const all = [];
    const buffer = Buffer.allocUnsafeSlow(DIGEST_CHUNK_BYTES);
    try {
        for (const file of found) {
            const checked = await collect(problems, options.signal, () => checkFile(file, options, buffer));
            if (checked !== undefined)
                all.push(checked);
        }
    }
    catch (error) {
        for (const { distribution } of all)
            distribution.content.close();
        throw error;
    }
    return withoutDuplicates(all, problems).sort(inUploadOrder);
}
/** As `ProblemList.collect`, but that the end of the run is no problem of a file. */
async function collect(problems, signal, check) {
    signal.throwIfAborted();
    try {
        return await check();
    }
    catch (error) {
        if (signal.aborted)
            throw error;
        return problems.collect(() => {
            throw error;
        });
    }
}
async function checkFile(found, options, buffer) {
    checkFileName(found.file);
    const content = OpenFile.open(found.path, found.file);
    try {
        const { filename, metadata, warnings } = await check_read(content, found.file, options);
        const { sha256, md5 } = await digest(content, { md5: options.md5, buffer }, options.signal);
        const distribution = {
            file: found.file,
            shown: found.shown,
            kind: filename.kind,
            project: normalizeName(metadata.name),
            version: normalized(metadata.version),
            pythonVersion: filename.kind === 'wheel' ? filename.pythonTag : 'source',
            size: content.size,
            sha256,
            md5,
            metadata,
            warnings,
            content,
        };
        return { distribution, filename };
    }
    catch (error) {
        content.close();
        throw error;
    }
}
/** @throws PublishError and PublishErrors: all problems that can be told apart at once */
async function check_read(content, file, options) {
    const isWheel = distributionKind(file) === 'wheel';
    const source = isWheel ? 'METADATA' : 'PKG-INFO';
    const { filename, metadata, warnings } = await (isWheel ? readWheelFile : readSdistFile)(content, file, options);
    const problems = new lib_errors/* ProblemList */.Ku();
    for (const problem of mismatches(filename, metadata))
        problems.add(problem);
    const findings = checkCoreMetadata(metadata);
    const faults = options.verifyMetadata ? findings.faults : [];
    for (const fault of faults)
        problems.add(metadataProblem(`${source} of ${file} ${fault}`));
    problems.throwIfAny();
    const lenient = options.verifyMetadata ? [] : findings.faults.map((fault) => `its ${source} ${fault}`);
    return {
        filename,
        metadata,
        warnings: [...warnings, ...filenameWarnings(filename), ...findings.warnings, ...lenient],
    };
}
function metadataProblem(message) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_DIST_METADATA',
        message,
        hint: 'Mend it where the project declares its metadata (pyproject.toml) and build again, or give `verify-metadata: false` to send it with a warning.',
    });
}
async function readWheelFile(content, file, options) {
    const filename = parseWheelFilename(file);
    const wheel = await readWheel(content, filename, options);
    return { filename, metadata: parseCoreMetadata(wheel.metadata, `METADATA of ${file}`), warnings: wheel.warnings };
}
async function readSdistFile(content, file, options) {
    const sdist = await readSdist(content, options);
    const metadata = parseCoreMetadata(sdist.metadata, `PKG-INFO of ${file}`);
    const filename = parseSdistFilename(file, metadata.name);
    return { filename, metadata, warnings: [...sdist.warnings, ...rootWarning(sdist.root, filename)] };
}
/** Installers take any root directory; indexes and repackagers look for the one of the file's name. */
function rootWarning(root, { name, version }) {
    if (root === `${name}-${version}`)
        return [];
    return [`its root directory is ${(0,lib_text/* printable */.g$)(root, 120)}, and ${name}-${version} is expected (PEP 625)`];
}
function normalized(version) {
    const result = normalizeVersion(version);
    if (result === undefined)
        throw new Error('a version that was checked is none');
    return result;
}
/** Spellings of one name: an index that normalises names has one place for both. */
function withoutDuplicates(all, problems) {
    const unique = [];
    for (const group of Map.groupBy(all, identityOf).values()) {
        const files = group.map(({ distribution }) => distribution);
        const [first, ...others] = files;
        if (first !== undefined && others.length === 0) {
            unique.push(first);
            continue;
        }
        problems.add({
            code: 'E_DIST_DUPLICATE',
            message: `${files.length} files are the same distribution under different spellings: ${files.map(({ file }) => file).join(', ')}`,
            hint: 'Publish one of them: remove the others, or leave them out with `!` lines in `files`.',
        });
        for (const { content } of files)
            content.close();
    }
    return unique;
}
/** One text for all spellings of one file name. */
function identityOf({ distribution: { project, version, file }, filename }) {
    const parsed = parseVersion(version);
    const release = `${project} ${parsed === undefined ? version : versionKey(parsed)}`;
    if (filename.kind === 'sdist')
        return `${release} ${file.endsWith('.zip') ? 'zip' : 'tar'}`;
    const tags = [filename.pythonTag, filename.abiTag, filename.platformTag].map((set) => tagSet([set]));
    return `${release} ${filename.build?.replace(/^0+(?=[0-9])/, '') ?? '-'} ${tags.join(' ')}`.toLowerCase();
}
function inUploadOrder(a, b) {
    return (inOrder(a.project, b.project) ||
        byVersion(a.version, b.version) ||
        // 'wheel' first: an sdist is what users of a missing wheel would build from.
        -inOrder(a.kind, b.kind) ||
        inOrder(a.file, b.file));
}
function byVersion(a, b) {
    if (a === b)
        return 0;
    const [left, right] = [parseVersion(a), parseVersion(b)];
    return left === undefined || right === undefined ? inOrder(a, b) : compareVersions(left, right);
}
/** By code unit, the same on every machine. */
function inOrder(a, b) {
    if (a === b)
        return 0;
    return a < b ? -1 : 1;
}

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(6760);
;// CONCATENATED MODULE: ./lib/distributions/glob-pattern.js

/** A path as a glob pattern that matches it and nothing else (the syntax of @actions/glob). */
function escapeGlob(file) {
    // On Windows the backslash divides; elsewhere it is a character of the name, and in a pattern the escape.
    const divided = external_node_path_.sep === '\\' ? file.replaceAll('\\', '/') : file.replaceAll('\\', '\\\\');
    return divided.replace(/[[?*]/g, '[$&]');
}
/** Whether a line of `files` takes away what others name: `!dist/*.zip`. */
function isExclusion(line) {
    return (/^[!\s]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0) % 2 === 1;
}
/**
 * The pattern of a line of `files`, without its `!`, with an absolute beginning: `dist/*.whl` is below `root`. A
 * pattern that begins with the workspace's own path is one of `root` too (links in it resolved), so that inclusions and
 * exclusions are about the same paths however they are written.
 */
function absolutePattern(line, workspace, root) {
    const pattern = line.replace(/^[!\s]+/, '').trimEnd();
    if (/^~(?:[/\\]|$)/.test(pattern))
        return pattern;
    if (!external_node_path_.isAbsolute(pattern))
        return `${escapeGlob(root)}/${pattern.replace(/^(?:\.[/\\]+)+/, '')}`;
    const beginning = [workspace, escapeGlob(workspace)].find((known) => /^[/\\]/.test(afterPrefix(pattern, known)));
    return beginning === undefined ? pattern : `${escapeGlob(root)}${afterPrefix(pattern, beginning)}`;
}
function afterPrefix(text, prefix) {
    return text.startsWith(prefix) ? text.slice(prefix.length) : '';
}
/** What an exclusion takes away, as patterns: the files that it matches, and all below a directory that it matches. */
function exclusions(pattern) {
    const trimmed = pattern.replace(/[/\\]+$/, '');
    return [`!${trimmed}`, `!${trimmed}/**`];
}

;// CONCATENATED MODULE: ./lib/distributions/name-list.js
/** More names than these in one sentence help nobody. */
const name_list_MOST_NAMED = 8;
/** Printable names as one text: `a, b and 3 more`. */
function listNames(names) {
    const all = [...names];
    const named = all.slice(0, name_list_MOST_NAMED);
    const rest = all.length - named.length;
    return `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

;// CONCATENATED MODULE: ./lib/distributions/same-name.js





/**
 * Leaves one file of each base name: an index has one place for it. The same bytes twice are told in a notice.
 *
 * Adds E_DIST_DUPLICATE to `problems` for files of one name with other bytes.
 */
async function withoutCopies(files, problems) {
    const found = [];
    const notices = [];
    for (const group of Map.groupBy(files, ({ file }) => file).values()) {
        found.push(...group.slice(0, 1));
        if (group.length === 1)
            continue;
        const notice = await problems.collect(() => same_name_compare(group));
        if (notice !== undefined)
            notices.push(notice);
    }
    return { found, notices };
}
/** @throws PublishError E_DIST_DUPLICATE, and what opening and reading throw */
async function same_name_compare(group) {
    const digests = new Set();
    const places = [];
    for (const { path, shown, file } of group) {
        const open = OpenFile.open(path, file);
        try {
            const { sha256 } = await digest(open, { md5: false });
            digests.add(sha256);
            places.push(`${shown} (${(0,lib_text/* formatBytes */.z3)(open.size)}, sha256 ${sha256.slice(0, 16)}\u2026)`);
        }
        finally {
            open.close();
        }
    }
    const name = `${(0,lib_text/* printable */.g$)(group[0]?.file ?? '')} lies in ${(0,lib_text/* count */.U9)(group.length, 'place')}`;
    if (digests.size === 1)
        return `${name} with the same bytes and is published once: ${listNames(places)}`;
    throw new lib_errors/* PublishError */.S1({
        code: 'E_DIST_DUPLICATE',
        message: `${name} with different bytes: ${listNames(places)}`,
        hint: 'Files of several builds are mixed: leave all but one out with `!` lines in `files`, or build each of them once.',
    });
}

;// CONCATENATED MODULE: ./lib/distributions/side-file.js
/** What build and signing steps put beside distributions. Case does not count: people name these by hand. */
const SIDE_FILES = [
    /\.attestation$/i,
    /\.sigstore/i,
    /\.asc$/i,
    // SHA256SUMS, demo-1.0.tar.gz.sha256, sha512sums.txt, checksums.txt, checksums-sha256.txt
    /(?:^|[._-])(?:(?:sha-?(?:1|224|256|384|512)|md5|b2|blake2b?|blake3)(?:sums?)?|checksums?)(?:\.(?:txt|json))?$/i,
    // demo.spdx.json, demo.cdx.xml, bom.json, sbom.json
    /\.(?:spdx|cdx)(?:\.[a-z]+)?$|(?:^|[._-])bom(?:[._-]|$)|sbom/i,
];
/** What uv (.gitignore), macOS (._demo.whl) and half-finished downloads leave behind, whatever its extension. */
function isHidden(file) {
    return file.startsWith('.');
}
/**
 * Whether a base name is that of a file that may lie beside distributions: an attestation, a signature, checksums, a
 * bill of materials. Asked only of what has no distribution's extension: a project may well be called sbom.
 */
function isSideFile(file) {
    return SIDE_FILES.some((form) => form.test(file));
}

;// CONCATENATED MODULE: ./lib/distributions/discover.js










/**
 * Finds the distributions to publish: those in the directory `packagesDir` and not below it, or those that `files`
 * names. No symbolic link is followed but `packagesDir` itself.
 *
 * Adds to `problems`: E_DIST_NONE when there is nothing to publish; E_DIST_PATTERN for a pattern that matches nothing;
 * E_DIST_LINK, E_DIST_UNSUPPORTED (formats of former times) and E_DIST_STRAY for what does not belong there;
 * E_DIST_DUPLICATE for files of one name with other bytes; E_DIST_FILE for what cannot be read.
 */
async function discover(where, problems) {
    const before = problems.length;
    const listing = where.files.length > 0 ? await namedByPatterns(where, problems) : await inPackagesDir(where, problems);
    const { candidates, notices, strayProblems } = sortOut(listing, problems);
    const isExplained = problems.length > before + strayProblems;
    const none = candidates.length > 0 || isExplained ? undefined : await problems.collect(listing.whyNone);
    if (none !== undefined)
        problems.add(none);
    const unique = await withoutCopies(candidates, problems);
    return { found: unique.found, notices: [...notices, ...unique.notices] };
}
async function inPackagesDir({ workspace, packagesDir }, problems) {
    const given = external_node_path_.resolve(workspace, packagesDir);
    const shown = shownPath(given, [workspace]);
    const { directory, fault } = (await problems.collect(() => resolveDirectory(given, shown))) ?? {};
    const paths = directory && (await problems.collect(() => filesIn(directory, shown)));
    return {
        files: (paths || []).map((file) => {
            const name = external_node_path_.basename(file);
            return { path: file, shown: shownPath(external_node_path_.join(given, name), [workspace]), file: name };
        }),
        place: `${shown} holds`,
        strayHint: `Keep in ${shown} only what is to be published, or name the distributions with \`files\`, for example \`${patternBelow(shown)}*.whl\`.`,
        whyNone: async () => {
            if (directory !== undefined)
                return noneIn(directory, shown);
            return nothing(fault ?? shown, 'Build or download the distributions before this step, or say with `packages-dir` where they are.');
        },
    };
}
/** The directory that a path leads to, links resolved this once; or why there is none. */
function resolveDirectory(given, shown) {
    try {
        const directory = external_node_fs_.realpathSync.native(given);
        if (!(0,external_node_fs_.statSync)(directory).isDirectory())
            return { fault: `packages-dir ${shown} is a file, not a directory` };
        // A pattern is one line, so that such a directory cannot be searched.
        return /[\r\n]/.test(directory) ? { fault: `the name of packages-dir ${shown} holds a line end` } : { directory };
    }
    catch (error) {
        const code = (0,lib_errors/* errorCodeOf */.D9)(error);
        if (code !== 'ENOENT' && code !== 'ENOTDIR')
            throw discover_unreadable(error, shown);
        return { fault: `packages-dir ${shown} does not exist` };
    }
}
/** Several artifacts that were downloaded into folders are the usual reason for an empty directory. */
async function noneIn(directory, shown) {
    const below = (await search([`${escapeGlob(directory)}/**`], shown)).filter((file) => distributionKind(file));
    const found = `packages-dir ${shown} holds no distribution (.whl, .tar.gz)`;
    if (below.length === 0) {
        return nothing(found, 'Check that the build wrote into this directory, and that its artifact was downloaded to it.');
    }
    const folders = new Set(below.map((file) => external_node_path_.dirname(file))).size;
    const ends = ['.whl', '.tar.gz', '.zip'].filter((end) => below.some((file) => file.endsWith(end)));
    const [first = '', ...others] = ends.map((end) => `${patternBelow(shown)}**/*${end}`);
    const further = others.map((line) => ` and the line \`${line}\` below it`).join('');
    return nothing(`${found}, but ${(0,lib_text/* count */.U9)(below.length, 'distribution')} in ${folders} ${folders === 1 ? 'directory' : 'directories'} below it`, `Write \`files: ${first}\`${further} to publish them.`);
}
function nothing(reason, hint) {
    return { code: 'E_DIST_NONE', message: `there is nothing to publish: ${reason}`, hint };
}
/** How a pattern for files in a directory begins. */
function patternBelow(shown) {
    return shown === '.' ? '' : `${escapeGlob(shown)}/`;
}
async function namedByPatterns({ workspace, files }, problems) {
    const root = realPath(workspace);
    const lines = files.filter((line) => !/^\s*(?:#|$)/.test(line));
    const included = lines.filter((line) => !isExclusion(line));
    const excluded = await excludedBy(lines.filter((line) => isExclusion(line)), (line) => absolutePattern(line, workspace, root), problems);
    if (included.length === 0)
        problems.add(patternFault('files has no line that names files: all that it has exclude'));
    const paths = new Set();
    for (const line of included) {
        const matched = await problems.collect(() => matches(line, absolutePattern(line, workspace, root), excluded, [root, workspace]));
        for (const file of matched ?? [])
            paths.add(file);
    }
    return {
        files: [...paths].sort().map((file) => ({
            path: file,
            shown: shownPath(file, [root, workspace]),
            file: external_node_path_.basename(file),
        })),
        place: 'files names',
        strayHint: 'Write patterns that match distributions only, such as `dist/*.whl`, or leave other files out with `!` lines.',
        whyNone: async () => nothing('the `!` lines of files exclude all that the other lines name', 'Remove the `!` line that is too wide.'),
    };
}
async function excludedBy(lines, absolute, problems) {
    const patterns = [];
    for (const line of lines) {
        const readable = exclusions(absolute(line));
        const globber = await problems.collect(() => globberOf(readable, line));
        if (globber !== undefined)
            patterns.push(...readable);
    }
    return patterns;
}
/** @throws PublishError E_DIST_PATTERN when nothing matches, exclusions aside; E_DIST_LINK when a link is in the way */
async function matches(line, pattern, excluded, roots) {
    const found = await search([pattern, ...excluded], line);
    if (found.length > 0 || (await search([pattern], line)).length > 0)
        return found;
    const [start = ''] = (await globberOf([pattern], line)).getSearchPaths();
    const stats = statsOf(start);
    if (stats?.isSymbolicLink())
        throw linkFault(`${shownPath(start, roots)}, where the pattern ${(0,lib_text/* printable */.g$)(line)} of files begins,`);
    throw patternFault(`the pattern ${(0,lib_text/* printable */.g$)(line)} of files matches no file`, stats?.isDirectory()
        ? 'A pattern must match the files themselves: `dist/*.whl` those in a directory, `dist/**/*.whl` those below it too.'
        : 'Patterns begin at the workspace: check where the build or the download put the distributions.');
}
function patternFault(message, hint = 'Name the distributions with a pattern, for example `dist/*.whl`.') {
    return new lib_errors/* PublishError */.S1({ code: 'E_DIST_PATTERN', message, hint });
}
async function globberOf(patterns, line) {
    const options = { followSymbolicLinks: false, implicitDescendants: false, matchDirectories: false };
    // Only where there are patterns: to load it takes longer than many an upload.
    const { create } = await __nccwpck_require__.e(/* import() */ 858).then(__nccwpck_require__.bind(__nccwpck_require__, 3858));
    return create(patterns.join('\n'), options).catch(() => {
        throw patternFault(`the pattern ${(0,lib_text/* printable */.g$)(line)} of files cannot be used`, 'Write it relative to the workspace, without `..` and without `.` inside.');
    });
}
/** The files of a directory, links among them, in order. */
function filesIn(directory, shown) {
    try {
        const entries = (0,external_node_fs_.readdirSync)(directory, { withFileTypes: true });
        const files = entries.filter((entry) => !entry.isDirectory());
        return files.map(({ name }) => external_node_path_.join(directory, name)).sort();
    }
    catch (error) {
        throw discover_unreadable(error, shown);
    }
}
/** The files that patterns match, links among them, in order; `line` is what sentences call the patterns. */
async function search(patterns, line) {
    const globber = await globberOf(patterns, line);
    try {
        return (await globber.glob()).sort();
    }
    catch (error) {
        // The pattern goes on behind a file as if that were a directory.
        if ((0,lib_errors/* errorCodeOf */.D9)(error) === 'ENOTDIR')
            return [];
        throw discover_unreadable(error, line);
    }
}
function discover_unreadable(error, shown) {
    const found = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : shown;
    return notAFile((0,lib_text/* printable */.g$)(found), `cannot be read (${(0,lib_errors/* errorCodeOf */.D9)(error) ?? 'unknown error'})`, error);
}
/** Tells distributions from what may lie beside them and from what is an error. */
function sortOut({ files, place, strayHint }, problems) {
    const candidates = [];
    const [aside, strays] = [[], []];
    for (const found of files) {
        const legacy = legacyProblem(found.file);
        const isDistribution = distributionKind(found.file) !== undefined;
        if (isHidden(found.file) || (!isDistribution && !legacy && isSideFile(found.file)))
            aside.push(found);
        else if (statsOf(found.path)?.isSymbolicLink())
            problems.add(linkFault(found.shown));
        else if (isDistribution)
            candidates.push(found);
        else if (legacy)
            problems.add(legacy);
        else
            strays.push(found);
    }
    if (strays.length > 0) {
        const what = strays.length === 1 ? 'a file that is no distribution' : `${strays.length} files that are no distributions`;
        problems.add({ code: 'E_DIST_STRAY', message: `${place} ${what}: ${shownNames(strays)}`, hint: strayHint });
    }
    const notices = aside.length === 0 ? [] : [`left alone beside the distributions: ${shownNames(aside)}`];
    return { candidates, notices, strayProblems: strays.length > 0 ? 1 : 0 };
}
/** Of the link itself. Undefined where it cannot be read or is gone by now: that is told when it is opened. */
function statsOf(file) {
    try {
        return (0,external_node_fs_.lstatSync)(file);
    }
    catch {
        return undefined;
    }
}
function realPath(directory) {
    try {
        return external_node_fs_.realpathSync.native(directory);
    }
    catch {
        return directory;
    }
}
function shownNames(files) {
    return listNames(files.map(({ shown }) => (0,lib_text/* printable */.g$)(shown, 120)));
}
/** A path as people see it: relative to the first root that it is in, else whole; forward slashes; one printable line. */
function shownPath(file, roots) {
    const inside = roots
        .map((root) => external_node_path_.relative(root, file))
        .find((relative) => !external_node_path_.isAbsolute(relative) && relative.split(external_node_path_.sep)[0] !== '..');
    return (0,lib_text/* printable */.g$)((inside ?? file).split(external_node_path_.sep).join('/')) || '.';
}

;// CONCATENATED MODULE: ./lib/distributions/expected-digests.js




/** More faults than these in one sentence help nobody. */
const MOST_FAULTS = 5;
/** `digest  name`, `digest *name` (coreutils); a backslash in front says that the name is escaped. */
const GNU_LINE = /^(\\?)([0-9a-f]{64})[ \t]+\*?(\S.*)$/i;
/** `SHA256 (name) = digest` (BSD, coreutils --tag), `SHA2-256(name)= digest` (openssl dgst). */
const BSD_LINE = /^(\\?)SHA2?-?256 ?\((.+)\) ?= ?([0-9a-f]{64})$/i;
/** Lines of other algorithms, in lists that hold several. */
const OTHER_BSD_LINE = /^\\?(?!SHA2?-?256)[A-Z0-9][A-Z0-9/-]* ?\(.+\) ?= ?[0-9a-f]+$/i;
/**
 * Compares the distributions with a SHA256SUMS text. It must name each of them with its digest; and each file that it
 * names of a release (project and version) that is published must be there: a part of a release that was lost on the
 * way would go unnoticed else. Other lines (other files, other releases) do not count. Paths count by their last part.
 *
 * Adds E_EXPECTED_SHA256 to `problems`, once, with all that differs.
 */
function checkDigests(distributions, text, problems) {
    const { sha256, faults } = readDigests(text);
    const unnamed = distributions.filter(({ file }) => !sha256.has(file)).map(({ file }) => file);
    const wrong = distributions.filter((one) => (sha256.get(one.file) ?? one.sha256) !== one.sha256);
    const there = new Set(distributions.map(({ file }) => file));
    const lost = [...sha256.keys()].filter((file) => !there.has(file) && isOfRelease(file, distributions));
    const found = [
        ...faults,
        ...sentence('it does not name', unnamed),
        ...sentence('other bytes were expected of', wrong.map((one) => `${one.file} (expected ${sha256.get(one.file)}, found ${one.sha256})`)),
        ...sentence('it names what is not among the distributions to be sent:', lost),
    ];
    if (found.length === 0)
        return;
    problems.add({
        code: 'E_EXPECTED_SHA256',
        message: `expected-sha256 and the distributions differ: ${found.join('; ')}`,
        hint: 'Publish exactly the files that the list was made of, or make the list again in the job that builds them (sha256sum dist/*).',
    });
}
function sentence(start, names) {
    if (names.length === 0)
        return [];
    return [`${start} ${listNames(names)}`];
}
function isOfRelease(file, distributions) {
    if (distributionKind(file) === undefined)
        return false;
    return releasesOf(file).some((release) => distributions.some(({ project, version }) => project === release.project && sameVersion(version, release.version)));
}
function readDigests(text) {
    const sha256 = new Map();
    const faults = [];
    const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
    for (const [index, line] of lines.map((raw) => raw.trim()).entries()) {
        if (line === '' || line.startsWith('#') || OTHER_BSD_LINE.test(line))
            continue;
        const entry = readLine(line);
        if (entry === undefined) {
            faults.push(`its line ${index + 1} is no line of a SHA256SUMS file (${(0,lib_text/* printable */.g$)(line, 80)})`);
            continue;
        }
        const known = sha256.get(entry.file) ?? entry.digest;
        if (known !== entry.digest)
            faults.push(`it has two digests for ${(0,lib_text/* printable */.g$)(entry.file, 120)}`);
        sha256.set(entry.file, entry.digest);
    }
    return { sha256, faults: faults.slice(0, MOST_FAULTS) };
}
function readLine(line) {
    const [, gnuMark, gnuDigest, gnuName] = GNU_LINE.exec(line) ?? [];
    const [, bsdMark, bsdName, bsdDigest] = BSD_LINE.exec(line) ?? [];
    const [mark, digest, name] = [gnuMark ?? bsdMark, gnuDigest ?? bsdDigest, gnuName ?? bsdName];
    if (digest === undefined || name === undefined)
        return undefined;
    const plain = mark === '' ? name : unescaped(name);
    return { digest: digest.toLowerCase(), file: plain.split(/[/\\]/).at(-1) ?? plain };
}
/** As coreutils escapes names with a backslash or a line end. */
function unescaped(name) {
    const characters = { n: '\n', r: '\r' };
    return name.replace(/\\(.)/g, (_, character) => characters[character] ?? character);
}

;// CONCATENATED MODULE: ./lib/distributions/release-name.js


/**
 * Reads `1.2.3`, `v1.2.3`, `refs/tags/v1.2.3`, and with a project before it `demo-1.2.3`, `demo/v1.2.3`, `demo@1.2.3`.
 * A dash may stand in the project and in the version: all readings come back, the longest version first. None: the text
 * is no version.
 */
function readReleaseName(text) {
    const name = text.trim().replace(/^refs\/tags\//, '');
    const whole = { project: undefined, version: name };
    const splits = [...name.matchAll(/[-/@]/g)].map(({ index }) => ({
        project: name.slice(0, index),
        version: name.slice(index + 1),
    }));
    const withProject = splits
        .filter(({ project }) => isProjectName(project))
        .map(({ project, version }) => ({ project: normalizeName(project), version }));
    return [whole, ...withProject].filter(({ version }) => parseVersion(version) !== undefined);
}

;// CONCATENATED MODULE: ./lib/distributions/expectations.js







/** Characters of a table in one message: an annotation holds 4,096 in all. */
const LONGEST_TABLE = 2000;
/**
 * Compares the distributions that are fit to be sent with what the inputs say. Without a distribution there is nothing
 * that could be unexpected, and E_DIST_NONE is the problem.
 *
 * Adds to `problems` E_EXPECTED_PROJECTS, E_EXPECTED_VERSION, E_EXPECTED_FILES and E_EXPECTED_SHA256, each with what
 * differs.
 */
function checkExpectations(distributions, expected, problems) {
    if (distributions.length === 0)
        return;
    checkProjects(distributions, expected.projects, problems);
    if (expected.version === 'one')
        checkOneVersion(distributions, problems);
    else if (expected.version !== 'any')
        checkVersion(distributions, expected.version, problems);
    if (expected.files !== 'any')
        checkCount(distributions, expected.files, problems);
    if (expected.sha256 !== 'any')
        checkDigests(distributions, expected.sha256, problems);
}
function checkProjects(distributions, expected, problems) {
    if (expected === 'any')
        return;
    const projects = Map.groupBy(distributions, ({ project }) => project);
    const listed = (names) => listNames([...names].map((name) => `${name} (${(0,lib_text/* count */.U9)(projects.get(name)?.length ?? 0, 'file')})`));
    if (expected === 'one') {
        if (projects.size === 1)
            return;
        problems.add({
            code: 'E_EXPECTED_PROJECTS',
            message: `expected-projects is \`one\`, and there are ${projects.size} projects: ${listed(projects.keys())}`,
            hint: `Leave out with \`files\` what is not to be published, or write \`expected-projects: ${listNames([...projects.keys()])}\`, or \`any\`.`,
        });
        return;
    }
    const names = new Set(expected.map(normalizeName));
    const others = [...projects.keys()].filter((project) => !names.has(project));
    if (others.length === 0)
        return;
    problems.add({
        code: 'E_EXPECTED_PROJECTS',
        message: `expected-projects allows ${listNames([...names].map((name) => (0,lib_text/* printable */.g$)(name, 80)))}, and there is also ${listed(others)}`,
        hint: 'Leave out with `files` what is not to be published, or add the name to `expected-projects`.',
    });
}
function checkOneVersion(distributions, problems) {
    for (const [project, files] of Map.groupBy(distributions, (one) => one.project)) {
        const versions = versionsOf(files);
        const newest = versions.at(-1);
        if (versions.length < 2 || newest === undefined)
            continue;
        const lines = patternsOf(files.filter(({ version }) => sameVersion(version, newest)));
        problems.add({
            code: 'E_EXPECTED_VERSION',
            message: `expected-version is \`one\`, and ${project} has ${versions.length} versions: ${listNames(versions)}`,
            hint: `To publish one of them write \`expected-version: ${newest}\` with \`files: ${lines.join('` and the line `')}\`, to publish all \`expected-version: any\`. The workspace of a self-hosted runner keeps files of earlier builds: clear the directory before the build or the download.`,
        });
    }
}
/** Oldest first. */
function versionsOf(distributions) {
    const versions = new Map();
    for (const { version } of distributions) {
        const parsed = parseVersion(version);
        if (parsed !== undefined && !versions.has(versionKey(parsed)))
            versions.set(versionKey(parsed), { text: version, parsed });
    }
    return [...versions.values()].sort((a, b) => compareVersions(a.parsed, b.parsed)).map(({ text }) => text);
}
/** Lines of `files` that name these distributions and no others of their project. */
function patternsOf(distributions) {
    const patterns = distributions.map(({ kind, file, shown }) => {
        const folder = escapeGlob(shown.slice(0, -file.length));
        return kind === 'sdist' ? `${folder}${file}` : `${folder}${file.split('-').slice(0, 2).join('-')}-*.whl`;
    });
    return [...new Set(patterns)];
}
function checkVersion(distributions, expected, problems) {
    const shown = `expected-version is ${(0,lib_text/* printable */.g$)(expected, 120)}`;
    const readings = readReleaseName(expected);
    const projects = new Set(distributions.map(({ project }) => project));
    const known = readings.filter(({ project }) => project === undefined || projects.has(project));
    if (known.some((reading) => distributions.every(({ version }) => sameVersion(version, reading.version))))
        return;
    const [reading] = readings;
    const [usable] = known;
    if (reading === undefined) {
        problems.add({
            code: 'E_EXPECTED_VERSION',
            message: `${shown}, which is neither a version nor a release tag`,
            hint: 'Give a version (1.2.3), a tag (v1.2.3, demo-1.2.3, demo/v1.2.3, demo@1.2.3), `one` or `any`.',
        });
    }
    else if (usable === undefined) {
        problems.add({
            code: 'E_EXPECTED_VERSION',
            message: `${shown}, which names the project ${reading.project}, and the distributions are of ${listNames(projects)}`,
            hint: 'Give the version alone: what stands before it can only be the name of a project that is published, and `v`.',
        });
    }
    else {
        const others = distributions.filter(({ version }) => !sameVersion(version, usable.version));
        const files = listNames(others.map(({ file, version }) => `${file} (${version})`));
        problems.add({
            code: 'E_EXPECTED_VERSION',
            message: `${shown}, and ${others.length} of ${(0,lib_text/* count */.U9)(distributions.length, 'distribution')} have another version: ${files}`,
            hint: 'Build from the commit that has this version, or leave out with `files` what is of another one.',
        });
    }
}
function checkCount(distributions, expected, problems) {
    if (distributions.length === expected)
        return;
    problems.add({
        code: 'E_EXPECTED_FILES',
        message: `expected-files is ${expected}, and ${(0,lib_text/* count */.U9)(distributions.length, 'distribution')} ${distributions.length === 1 ? 'is' : 'are'} fit to be sent: ${(0,lib_text/* clip */.$Q)(tagTable(distributions), LONGEST_TABLE)}`,
        hint: 'Look for the row in which a build is missing or is there twice: an artifact may not have been downloaded.',
    });
}
/** By release and platform, the interpreters that there are builds for: what is missing shows beside its neighbours. */
function tagTable(distributions) {
    const releases = Map.groupBy(distributions, ({ project, version }) => `${project} ${version}`);
    return [...releases].map(([release, files]) => `${release} (${rowsOf(files).join('; ')})`).join(', ');
}
function rowsOf(files) {
    const rows = new Map();
    for (const { kind, file } of files) {
        const { row, cell } = kind === 'sdist' ? { row: 'sdist', cell: file } : cellOf(file);
        rows.set(row, [...(rows.get(row) ?? []), cell]);
    }
    return [...rows].map(([row, cells]) => `${row}: ${cells.join(', ')}`);
}
function cellOf(wheel) {
    const { pythonTag, abiTag, platformTag, build } = parseWheelFilename(wheel);
    const interpreter = abiTag === pythonTag ? pythonTag : `${pythonTag}-${abiTag}`;
    return { row: platformTag, cell: build === undefined ? interpreter : `${interpreter} build ${build}` };
}
/**
 * Says that the run's tag is a version that no distribution has; undefined when one has it, when the tag is no version
 * and when the run is for no tag. A word before the version counts where it is a project of the distributions only.
 */
function tagWarning(distributions, { type, name }) {
    if (type !== 'tag' || name === undefined || distributions.length === 0)
        return undefined;
    const projects = new Set(distributions.map(({ project }) => project));
    const readings = readReleaseName(name).filter(({ project }) => project === undefined || projects.has(project));
    if (readings.length === 0)
        return undefined;
    const isTagged = readings.some((reading) => distributions.some(({ version }) => sameVersion(version, reading.version)));
    if (isTagged)
        return undefined;
    const releases = new Set(distributions.map(({ project, version }) => `${project} ${version}`));
    return `the tag is ${(0,lib_text/* printable */.g$)(name, 120)}, and no distribution has that version: ${listNames([...releases])}`;
}

;// CONCATENATED MODULE: ./lib/identity/derivation-budget.js
/**
 * In rounds of PKCS#12's own function: about eight seconds. Checking two forms of the password and opening certificates
 * and key of a PKCS#12 file with the most iterations takes no more.
 */
const MOST_ROUNDS = 8_000_000;
/** How much key derivation one input may ask for: a hostile or damaged one can ask for days, in one key or in hundreds. */
class DerivationBudget {
    #rounds = 0;
    /** Takes so many rounds; false: that is more than is left. */
    afford(rounds) {
        this.#rounds += rounds;
        return this.#rounds <= MOST_ROUNDS;
    }
}

// EXTERNAL MODULE: ./lib/identity/private-key.js + 2 modules
var private_key = __nccwpck_require__(8488);
;// CONCATENATED MODULE: ./lib/identity/holding.js







/** A whole bundle of public CAs has 150; each block takes time to open or a sentence to refuse. */
const MOST_BLOCKS = 500;
/**
 * Reads everything in one input. What is wrong stands in `problems`; throws only the signal's reason once it is aborted.
 */
async function hold(material, request) {
    const { blocks, broken, problems } = readSome(material);
    const budget = new DerivationBudget();
    const certificates = [];
    const keys = [];
    const passphraseUses = [];
    for (const block of broken)
        problems.add(holding_brokenBlock(block, material.input));
    for (const block of blocks) {
        const opened = await problems.collect(() => holding_open(block, material.input, { ...request, budget }));
        request.signal.throwIfAborted();
        if (opened === undefined)
            continue;
        certificates.push(...opened.certificates);
        if (opened.key !== undefined)
            keys.push(opened.key);
        passphraseUses.push(opened.passphrase);
    }
    return {
        name: (0,encoding_blocks/* nameOfMaterial */.Gh)(material),
        certificates,
        keys,
        strangers: blocks.filter(isStranger),
        isPkcs12: blocks.some(({ kind }) => kind === 'pkcs12'),
        passphraseUses,
        problems: problems.all,
    };
}
function readSome(material) {
    const { blocks, broken } = (0,encoding_blocks/* readBlocks */.v_)(material);
    const problems = new lib_errors/* ProblemList */.Ku();
    const amount = blocks.length + broken.length;
    if (amount <= MOST_BLOCKS)
        return { blocks, broken, problems };
    problems.add({
        code: 'E_INPUT_FORMAT',
        message: `${(0,encoding_blocks/* nameOfMaterial */.Gh)(material)} holds ${(0,der/* formatNumber */.ZV)(amount)} blocks, and at most ${MOST_BLOCKS} are read`,
        hint: 'Give the client certificate with its intermediates and its private key, and nothing else.',
    });
    return { blocks: [], broken: [], problems };
}
async function holding_open(block, input, request) {
    if ((0,private_key/* isKeyBlock */.fx)(block)) {
        const key = (0,private_key/* openKey */.ay)(block, request.passphrase, request.budget);
        return { certificates: [], key, passphrase: key.passphrase };
    }
    if (block.kind !== 'pkcs12')
        return { certificates: holding_readCertificates(block), key: undefined, passphrase: undefined };
    if (input === 'client-key')
        throw misplaced(block);
    // Loaded here alone: most identities come as PEM.
    const { openPkcs12 } = await Promise.all(/* import() */[__nccwpck_require__.e(993), __nccwpck_require__.e(22)]).then(__nccwpck_require__.bind(__nccwpck_require__, 7022));
    const opened = await openPkcs12(block, request);
    return { ...opened, certificates: holding_readCertificates({ ...block, certificates: opened.certificates }) };
}
function isStranger({ kind, certificates }) {
    return certificates.length === 0 && !(0,encoding_kind/* isKeyKind */.uX)(kind) && kind !== 'parameters' && kind !== 'pkcs12';
}
function holding_brokenBlock({ where, label, fault, cutOff }, input) {
    if (cutOff) {
        return new lib_errors/* PublishError */.S1({
            code: 'E_INPUT_TRUNCATED',
            message: `${where} is cut off: ${fault}`,
            hint: 'Store the whole file again (`gh secret set NAME < file`): terminals and forms cut long pastes.',
        });
    }
    const isKey = input === 'client-key' || label?.endsWith('PRIVATE KEY') === true;
    return new lib_errors/* PublishError */.S1({
        code: isKey ? 'E_KEY_UNREADABLE' : 'E_CERT_UNREADABLE',
        message: `${where} cannot be read: ${fault}`,
        hint: fault === encoding_blocks/* UNKNOWN_KIND */.ak
            ? 'TLS needs X.509 certificates and a private key in PKCS#8, PKCS#1 or SEC1: convert or decrypt it first, or take it out.'
            : 'Store the whole file again, unchanged.',
    });
}
function misplaced({ where }) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_INPUT_FORMAT',
        message: `${where} is a PKCS#12 file, which is read from client-cert only`,
        hint: 'Give the file as client-cert, and leave client-key out where the file holds the private key.',
    });
}
function holding_readCertificates({ where, certificates }) {
    try {
        return certificates.map((der) => new external_node_crypto_.X509Certificate(der));
    }
    catch (cause) {
        throw new lib_errors/* PublishError */.S1({
            code: 'E_CERT_UNREADABLE',
            message: `${where} holds a certificate that cannot be read: it is damaged`,
            hint: 'Store the whole file again, unchanged; if it stays so, ask for the certificate again.',
            cause,
        });
    }
}
/** `, but a certificate request and a private key`; empty where nothing was found. */
function whatElse({ strangers, keys, certificates }) {
    const kinds = new Set(strangers.map(({ kind }) => (0,encoding_kind/* nameOfKind */.lI)(kind)));
    if (certificates.length > 0)
        kinds.add('a certificate');
    if (keys.length > 0)
        kinds.add('a private key');
    return kinds.size === 0 ? '' : `, but ${[...kinds].join(' and ')}`;
}

;// CONCATENATED MODULE: ./lib/identity/client-identity.js





/**
 * Reads certificates and key; the leaf is the certificate that the key fits, wherever it stands. Throws PublishError, or
 * PublishErrors with the independent problems of both inputs: E_INPUT_TRUNCATED, E_INPUT_FORMAT, E_CERT_MISSING,
 * E_CERT_UNREADABLE, E_KEY_MISSING, E_KEY_UNREADABLE, E_KEY_UNSUPPORTED, E_KEY_AMBIGUOUS, E_KEY_MISMATCH,
 * E_KEY_PASSPHRASE_MISSING, E_KEY_PASSPHRASE_WRONG, E_INPUT_CONFLICT. Opening a PKCS#12 file may take seconds: rejects
 * with the signal's reason once it is aborted.
 */
async function readClientIdentity(given) {
    const { certificate, key, passphrase, alias, now, signal } = given;
    const request = { passphrase, alias, hasOtherKey: key !== undefined, signal };
    const inCertificate = await hold(certificate, request);
    const inKey = key && (await hold(key, request));
    const holdings = inKey === undefined ? [inCertificate] : [inCertificate, inKey];
    const opened = requireAll(inCertificate, inKey);
    const certificates = distinct(holdings.flatMap((holding) => holding.certificates));
    const fitting = certificates.filter((one) => fits(one, opened.key));
    const [leaf, ...rivals] = fitting.toSorted((one, other) => compareLeaves(one, other, now));
    if (leaf === undefined)
        throw mismatch(holdings, certificates);
    if (!(0,private_key/* signsFor */.ye)(leaf, opened.key))
        throw damaged(holdings);
    return {
        leaf,
        key: opened.key,
        others: certificates.filter((one) => one !== leaf),
        notices: [
            ...passphraseNotices(passphrase, holdings),
            ...aliasNotices(alias, inCertificate),
            ...(rivals.length === 0 ? [] : [rivalNotice(leaf, rivals)]),
            ...holdings.flatMap(strangerNotices),
        ],
    };
}
/**
 * One input of the identity where the other one could not be read: throws what is wrong with this one by itself, and says
 * nothing of what is missing or does not fit.
 */
async function refuseFaultsOf(material, { passphrase, alias, signal }) {
    const problems = new lib_errors/* ProblemList */.Ku();
    const holding = await hold(material, { passphrase, alias, hasOtherKey: false, signal });
    for (const problem of holding.problems)
        problems.add(problem);
    problems.throwIfAny();
}
/** The key, when both inputs hold what they must. Throws all that is wrong with them. */
function requireAll(inCertificate, inKey) {
    const problems = new lib_errors/* ProblemList */.Ku();
    for (const problem of [...inCertificate.problems, ...(inKey?.problems ?? [])])
        problems.add(problem);
    const missing = [missingCertificate(inCertificate, inKey), missingKey(inCertificate, inKey)];
    for (const problem of missing)
        if (problem !== undefined)
            problems.add(problem);
    const keys = [...inCertificate.keys, ...(inKey?.keys ?? [])];
    const [first, ...more] = keys.filter(({ key }, at) => keys.findIndex((other) => other.key.equals(key)) === at);
    if (more.length > 0)
        problems.add(ambiguous([inCertificate, inKey], more.length + 1));
    problems.throwIfAny();
    if (first === undefined)
        throw new Error('no key, and no problem that says so');
    return first;
}
/** Nothing is said to be missing in an input with a fault: it may stand in the part that could not be read. */
function missingCertificate(inCertificate, inKey) {
    if (inCertificate.certificates.length > 0 || inCertificate.problems.length > 0)
        return undefined;
    const swapped = inCertificate.keys.length > 0 && inKey !== undefined && inKey.certificates.length > 0;
    return {
        code: 'E_CERT_MISSING',
        message: `${inCertificate.name} holds no certificate${whatElse(inCertificate)}`,
        hint: swapped
            ? 'client-key holds a certificate: the two inputs seem to be swapped.'
            : 'Give the certificate that the CA issued, with the intermediates that came with it, as client-cert.',
    };
}
function missingKey(inCertificate, inKey) {
    const expected = inKey ?? inCertificate;
    if (inCertificate.keys.length > 0 || expected.keys.length > 0 || expected.problems.length > 0)
        return undefined;
    const openSsh = expected.strangers.find(({ kind }) => kind === 'openssh');
    if (openSsh !== undefined) {
        return {
            code: 'E_KEY_UNSUPPORTED',
            message: `${openSsh.where} is an OpenSSH private key, but TLS needs PKCS#8, PKCS#1 or SEC1`,
            hint: 'Give the key that the certificate was requested with; if it is this one, convert a copy with `ssh-keygen -p -m PKCS8 -f copy.key`.',
        };
    }
    if (inKey !== undefined) {
        return {
            code: 'E_KEY_MISSING',
            message: `${inKey.name} holds no private key${whatElse(inKey)}`,
            hint: 'Give the private key that the certificate was requested with (PKCS#8, PKCS#1 or SEC1).',
        };
    }
    return {
        code: 'E_KEY_MISSING',
        message: `there is no private key: client-key is empty, and ${inCertificate.name} holds none`,
        hint: inCertificate.isPkcs12
            ? 'Export the PKCS#12 file again together with its private key, or give the key as client-key.'
            : 'Give the private key as client-key, or in one file with its certificate as client-cert. If client-key is set from a secret, that secret has no value in this job.',
    };
}
function ambiguous(holdings, amount) {
    const names = holdings.filter((holding) => holding !== undefined && holding.keys.length > 0).map((one) => one?.name);
    return {
        code: 'E_KEY_AMBIGUOUS',
        message: `${names.join(' and ')} ${names.length === 1 ? 'holds' : 'hold'} ${amount} different private keys`,
        hint: 'Give one private key: the one that the certificate was issued for.',
    };
}
function distinct(certificates) {
    return [...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values()];
}
/** A certificate whose public key OpenSSL cannot decode fits no key. */
function fits(certificate, key) {
    try {
        return certificate.checkPrivateKey(key);
    }
    catch {
        return false;
    }
}
/** Valid now before not valid; issued by a CA before self-signed; then the newest. */
function compareLeaves(one, other, now) {
    return rank(other, now) - rank(one, now) || Number(other.validFromDate) - Number(one.validFromDate) || 0;
}
function rank({ validFromDate, validToDate, subject, issuer }, now) {
    const isValid = validFromDate <= now && now <= validToDate;
    return (isValid ? 2 : 0) + (subject === issuer ? 0 : 1);
}
function keyHolder(holdings) {
    return holdings.findLast(({ keys }) => keys.length > 0)?.name ?? 'client-key';
}
function damaged(holdings) {
    return new lib_errors/* PublishError */.S1({
        code: 'E_KEY_UNREADABLE',
        message: `the private key in ${keyHolder(holdings)} is damaged: what it signs does not verify with its own public key`,
        hint: 'Store the key again from its file, unchanged.',
    });
}
function mismatch(holdings, certificates) {
    const named = certificates.find(({ ca }) => !ca) ?? certificates[0];
    const others = certificates.length - 1;
    const rest = others === 0 ? '' : `, nor to the ${others === 1 ? 'other one' : `${others} others`} given`;
    return new lib_errors/* PublishError */.S1({
        code: 'E_KEY_MISMATCH',
        message: `the private key in ${keyHolder(holdings)} does not belong to the certificate ${named === undefined ? '' : (0,lib_text/* subjectOf */.et)(named)}${rest}`,
        hint: certificates.every(({ ca }) => ca)
            ? 'Only certificates of CAs are given: add the client certificate itself, which a CA issued for this key.'
            : 'Store certificate and key again, both from one request: a renewal often replaces only one of them. If both are new already, this run was queued before, or between the two: start a new one.',
    });
}
function passphraseNotices(passphrase, holdings) {
    if (passphrase === undefined)
        return [];
    const uses = holdings.flatMap(({ passphraseUses }) => passphraseUses);
    if (uses.includes('without its line end')) {
        return ['client-key-passphrase ends in a line end; it is used without it'];
    }
    return uses.includes('as given')
        ? []
        : ['client-key-passphrase is given, but the private key is not encrypted; it is not used'];
}
function aliasNotices(alias, { isPkcs12, keys }) {
    if (alias === undefined || (isPkcs12 && keys.length > 0))
        return [];
    return ['client-key-alias is given, but no key of a PKCS#12 file is used; it is not used'];
}
function rivalNotice(leaf, rivals) {
    const { serialNumber, validToDate } = leaf;
    const until = Number.isNaN(Number(validToDate)) ? 'an unreadable date' : (0,lib_text/* formatDate */.Yq)(validToDate);
    return `the private key fits ${rivals.length + 1} certificates: ${(0,lib_text/* subjectOf */.et)(leaf)}, serial ${serialNumber}, valid until ${until}, is used`;
}
function strangerNotices({ strangers }) {
    return strangers.map(({ where, kind }) => `${where} is ${(0,encoding_kind/* nameOfKind */.lI)(kind)}; it is not used`);
}

// EXTERNAL MODULE: ./lib/package-index/known-server.js
var known_server = __nccwpck_require__(4544);
// EXTERNAL MODULE: ./lib/package-index/upload-url.js
var upload_url = __nccwpck_require__(9048);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __nccwpck_require__(7030);
;// CONCATENATED MODULE: ./lib/transport/proxy.js



/**
 * The proxy for an https URL, or undefined where it is reached directly. `https_proxy` may lack its scheme, as curl
 * allows (`proxy:3128`). `no_proxy` is a list with commas or blanks of exact hosts, `.suffix`, `*.suffix`, `host:port`,
 * IP addresses, CIDR blocks, or `*`; no name is resolved for it. E_INPUT_INVALID for a proxy URL that cannot be read.
 */
function proxyFor(url, { httpsProxy, noProxy }) {
    const given = httpsProxy?.trim() ?? '';
    if (given === '' || isExcepted(url, noProxy ?? ''))
        return undefined;
    return readProxy(given);
}
/** The value may hold a password: no sentence shows more of it than its scheme. */
function readProxy(given) {
    const text = given.includes('://') ? given : `http://${given}`;
    const proxy = URL.canParse(text) ? new URL(text) : undefined;
    const form = 'http://host:port or https://host:port, with user:password@ before the host where it asks for them';
    if (proxy === undefined || proxy.hostname === '') {
        throw invalid('https_proxy is no URL', `Write it as ${form}, and percent-encode what is special in a password.`);
    }
    if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
        const scheme = (0,lib_text/* printable */.g$)(proxy.protocol.slice(0, -1), 20);
        throw invalid(`https_proxy has the scheme ${scheme}: expected http or https`, `Write it as ${form}.`);
    }
    try {
        decodeURIComponent(proxy.username + proxy.password);
    }
    catch {
        throw invalid('user and password in https_proxy are not percent-encoded', 'Write a percent sign in them as %25.');
    }
    return proxy;
}
function invalid(message, hint) {
    return new lib_errors/* PublishError */.S1({ code: 'E_INPUT_INVALID', message: `the environment variable ${message}`, hint });
}
function isExcepted(url, noProxy) {
    const host = plainHost(url.hostname);
    const port = url.port === '' ? '443' : url.port;
    return noProxy
        .toLowerCase()
        .split(/[\s,]+/)
        .some((entry) => entry !== '' && proxy_matches(entry, host, port));
}
function proxy_matches(entry, host, port) {
    if (entry === '*')
        return true;
    if (entry.includes('/'))
        return (0,external_node_net_.isIP)(host) !== 0 && isInBlock(host, entry);
    const [name, ofPort] = splitPort(entry);
    if (ofPort !== undefined && ofPort !== port)
        return false;
    if ((0,external_node_net_.isIP)(name) !== 0)
        return (0,external_node_net_.isIP)(host) !== 0 && isInBlock(host, `${name}/${(0,external_node_net_.isIPv4)(name) ? 32 : 128}`);
    if (name.startsWith('.') || name.startsWith('*.'))
        return host.endsWith(name.replace(/^\*/, ''));
    return host === name;
}
/** `host:port`, `[v6]:port`, `[v6]`, or an address or host alone. */
function splitPort(entry) {
    const [, bracketed, ofBracketed] = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry) ?? [];
    if (bracketed !== undefined)
        return [bracketed, ofBracketed];
    const [, name, port] = /^([^:]*):(\d+)$/.exec(entry) ?? [];
    return [plainHost(name ?? entry), port];
}
function isInBlock(host, block) {
    const [, address = '', bits = ''] = /^\[?([^\]/]*)\]?\/(\d{1,3})$/.exec(block) ?? [];
    const family = (0,external_node_net_.isIP)(address);
    if (family === 0 || Number(bits) > (family === 4 ? 32 : 128))
        return false;
    const list = new external_node_net_.BlockList();
    list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
    return list.check(host, (0,external_node_net_.isIPv4)(host) ? 'ipv4' : 'ipv6');
}
/** Without the brackets of an IPv6 address and without the dot that ends an absolute name. */
function plainHost(hostname) {
    return hostname.replace(/^\[(.*)\]$/, '$1').replace(/(.)\.$/, '$1');
}

;// CONCATENATED MODULE: ./lib/plan.js













/**
 * First stage: inputs, identity, chain, distributions, expectations. All problems end up in `progress`; undefined when
 * they stop the run before any connection. A dry run goes on with what there is: it is made to test a certificate.
 */
async function makePlan(request, progress) {
    const inputs = readAllInputs(request, progress);
    const problems = new lib_errors/* ProblemList */.Ku();
    const caBundle = await problems.collect(() => readCaBundle(inputs));
    const identity = await problems.collect(() => plan_identify(request, inputs, caBundle, progress, problems));
    const proxy = await problems.collect(() => chooseProxy(request.runner, inputs));
    const simpleIndex = await problems.collect(() => chooseSimpleIndex(inputs, progress));
    const distributions = await gather(request, inputs, progress, problems);
    progress.problems.push(...problems.all);
    if (proxy !== undefined && proxy !== 'none')
        progress.proxy = proxy;
    const { repositoryUrl: url } = inputs;
    if (url === undefined || identity === undefined || caBundle === undefined || proxy === undefined)
        return undefined;
    if (progress.problems.length > 0 && !inputs.dryRun)
        return undefined;
    return { inputs, url, identity, caBundle, proxy, simpleIndex: simpleIndex ?? 'off', distributions };
}
/** Throws E_INDEX_UNPROVEN where nobody can know whether an upload would replace a file. */
function chooseSimpleIndex({ repositoryUrl, checkUrl }, { warnings }) {
    if (repositoryUrl === undefined || checkUrl === undefined)
        return undefined;
    if (checkUrl !== 'off') {
        const found = (0,known_server/* simpleIndexFor */.kr)(repositoryUrl, checkUrl);
        if (found !== undefined)
            return found;
        throw new lib_errors/* PublishError */.S1({
            code: 'E_INDEX_UNPROVEN',
            message: `check-url is \`auto\`, and the simple index that belongs to ${(0,lib_text/* shownUrl */.zA)(repositoryUrl)} is not known: nobody could tell whether an upload replaces a file`,
            // A server that is known by a URL at which it takes no uploads.
            hint: (0,known_server/* knownServer */.DO)(repositoryUrl) === undefined ? CHECK_URL_HINT : `${(0,upload_url/* uploadUrlHint */.C)(repositoryUrl)} ${CHECK_URL_HINT}`,
        });
    }
    const server = (0,known_server/* knownServer */.DO)(repositoryUrl);
    const who = server?.mayOverwrite ? server.name : 'this server';
    warnings.push(`check-url is \`off\`: nobody looks before a file is sent, and ${who} may replace one of the same name`);
    return 'off';
}
const CHECK_URL_HINT = 'Write the index URL that pip uses (the part before the name of the project) as `check-url`, or `check-url: off` to publish without looking.';
function readAllInputs({ runner, env, secretInputs, secrets }, progress) {
    const { inputs, problems, notices, warnings } = (0,lib_inputs/* readInputs */.Ko)(env, secretInputs, runner.mask, secrets);
    progress.inputs = inputs;
    progress.problems.push(...problems.all);
    progress.warnings.push(...warnings);
    for (const notice of notices)
        note(runner, progress, 'Inputs', notice);
    return inputs;
}
function note(runner, progress, word, sentence) {
    progress.notices.push(sentence);
    runner.log(word, sentence);
}
/** Undefined where the input could not be read: that problem is known already. */
function readCaBundle({ caBundle }) {
    return caBundle === undefined || caBundle === 'system' ? caBundle : readBundle(caBundle);
}
async function plan_identify(request, inputs, caBundle, progress, problems) {
    const { clientCertificate: certificate, clientKey: key } = inputs;
    const { clientKeyPassphrase: passphrase, clientKeyAlias: alias } = inputs;
    if (certificate === 'none')
        return certificate;
    if (certificate === undefined || key === 'unreadable') {
        const opening = { passphrase, alias, signal: request.signal };
        for (const half of [certificate, key])
            if (typeof half === 'object')
                await refuseFaultsOf(half, opening);
        return undefined;
    }
    const identity = await readClientIdentity({
        certificate,
        key,
        passphrase,
        alias,
        now: progress.startedAt,
        signal: request.signal,
    });
    for (const notice of identity.notices)
        note(request.runner, progress, 'Identity', notice);
    return plan_judge(request, inputs, identity, caBundle, progress, problems);
}
/**
 * Puts the chain check's faults among the problems. The identity is there all the same, since a dry run asks the server
 * what it thinks of such a certificate; but not where no handshake can be tried (another key, or one too weak to load).
 */
async function plan_judge({ runner, signal }, inputs, { leaf, key, others }, caBundle, progress, problems) {
    const { clientCaBundle, clientCrl, chainCheck: mode, expiryWarningDays, expiryErrorDays } = inputs;
    const clientAnchors = clientCaBundle === undefined || clientCaBundle === 'none' ? undefined : readBundle(clientCaBundle);
    const revocationLists = await problems.collect(() => clientCrl === undefined || clientCrl === 'none' ? undefined : readRevocationLists(clientCrl));
    const serverAnchors = caBundle === 'system' ? undefined : caBundle;
    const limits = { mode, expiryWarningDays, expiryErrorDays };
    const check = await checkChain({
        leaf,
        key,
        others,
        clientAnchors,
        serverAnchors,
        revocationLists,
        ...limits,
        now: progress.startedAt,
        signal,
    });
    progress.chain = check;
    runner.log('Identity', `${(0,lib_text/* subjectOf */.et)(leaf)}, valid until ${(0,lib_text/* formatDate */.Yq)(leaf.validToDate)}`);
    for (const { severity, code, message, hint } of check.findings) {
        if (severity === 'error')
            problems.add({ code, message, hint });
        else if (severity === 'warning')
            progress.warnings.push(hint === undefined ? message : `${message}. ${hint}`);
        else
            note(runner, progress, 'Chain', message);
    }
    if (!check.usable)
        return undefined;
    runner.log('Chain', chainLine(check));
    return {
        subject: (0,lib_text/* subjectOf */.et)(leaf),
        chainPem: check.chain.map((certificate) => certificate.toString()).join(''),
        key,
        own: { certificates: check.chain, findings: check.findings, unknownIssuer: check.unknownIssuer },
        doubt: doubtOf(check),
    };
}
/** What `chain-check: warn` leaves to the server. */
const SERVER_MAY_DECIDE = ['E_CERT_EXPIRED', 'E_CERT_NOT_YET_VALID', 'E_CERT_PURPOSE'];
/** A fault that was seen comes before a guess about the issuer. */
function doubtOf({ findings, unknownIssuer }) {
    const left = findings.find(({ severity, code }) => severity === 'warning' && SERVER_MAY_DECIDE.includes(code));
    return left?.message ?? unknownIssuer;
}
function chainLine({ chain, anchor }) {
    const path = chain.map(lib_text/* subjectOf */.et).join(' <- ');
    const end = anchor === undefined ? 'whether the server knows its issuer, the handshake will show' : (0,lib_text/* subjectOf */.et)(anchor);
    return anchor === undefined ? `${path}: ${end}` : `${path} <- ${end}`;
}
function chooseProxy(runner, { repositoryUrl }) {
    const proxy = repositoryUrl && proxyFor(repositoryUrl, runner.surroundings);
    if (proxy === undefined)
        return 'none';
    runner.log('Proxy', `${(0,lib_text/* shownUrl */.zA)(proxy)} (from https_proxy)`);
    return proxy;
}
async function gather({ runner, signal }, inputs, progress, problems) {
    const mine = new lib_errors/* ProblemList */.Ku();
    const where = { workspace: runner.facts.workspace, packagesDir: inputs.packagesDir, files: inputs.files };
    const { found, notices } = await discover(where, mine);
    for (const notice of notices)
        note(runner, progress, 'Files', notice);
    const options = { verifyMetadata: inputs.verifyMetadata, md5: inputs.md5Digest, signal };
    const distributions = await checkDistributions(found, options, mine);
    progress.distributions = distributions;
    for (const one of distributions)
        describe(runner, progress, one);
    const { expectedProjects: projects, expectedVersion: version, expectedFiles: files, expectedSha256: sha256 } = inputs;
    checkExpectations(distributions, { projects, version, files, sha256 }, mine);
    const { refType: type, refName: name } = runner.facts;
    const tag = tagWarning(distributions, { type, name });
    // First, since the summary begins with the first warnings.
    if (tag !== undefined)
        progress.warnings.unshift(tag);
    for (const problem of mine.all) {
        // To test a certificate nobody needs a distribution.
        if (inputs.dryRun && problem.code === 'E_DIST_NONE')
            note(runner, progress, 'Files', problem.message);
        else
            problems.add(problem);
    }
    return distributions;
}
function describe(runner, progress, distribution) {
    const { shown, size, sha256, warnings, file } = distribution;
    runner.log('File', `${shown}  ${(0,lib_text/* formatBytes */.z3)(size)}  sha256 ${sha256}`);
    for (const warning of warnings)
        progress.warnings.push(`${file}: ${warning}`);
}

;// CONCATENATED MODULE: ./lib/probe.js



/**
 * One handshake, without a request: whether the server takes the certificate, and what it says of itself, for log,
 * warnings and report.
 *
 * @throws the PublishError that says why there is no connection
 */
async function probe(run, plan, session, progress) {
    const { runner, signal } = run;
    const { url, identity } = plan;
    const { transport } = session;
    const result = await connect(session, plan, signal);
    progress.probe = result;
    if (plan.inputs.dryRun && result.facts?.asked) {
        const accepted = await transport.askAuthorities(signal);
        if (accepted !== undefined)
            tellAuthorities(accepted, run, progress);
    }
    const { facts, problem, handshake } = result;
    if (problem !== undefined)
        throw problem;
    if (facts === undefined)
        return;
    const { protocol, server } = facts;
    const who = `${(0,lib_text/* shownUrl */.zA)(url)} is ${server.subject} (issued by ${server.issuer}), ${protocol}`;
    if (identity === 'none')
        runner.log('Server', `${who}, without a client certificate`);
    else if (handshake === 'accepted')
        runner.log('Server', `${who}, takes the client certificate ${identity.subject}`);
    else
        progress.warnings.push(`${url.host} did not ask for the client certificate: it does not know who publishes`);
    if (handshake !== 'accepted' || identity === 'none')
        return;
    if (identity.doubt !== undefined)
        runner.log('Server', `accepted it, although ${identity.doubt}`);
    // Only a dry run gets here with problems.
    if (progress.problems.some(({ code }) => SERVER_MAY_DECIDE.includes(code)))
        progress.warnings.push(SERVER_DECIDES);
}
/** A name that is not resolved or a port that is closed may be there a moment later. */
async function connect({ transport, pace }, plan, signal) {
    for (let left = plan.inputs.retries;; left -= 1) {
        const turn = await pace.turn(signal);
        try {
            const result = await transport.probe(signal, neededSoon(plan));
            const { problem } = result;
            if (problem === undefined)
                pace.answered(turn);
            if (problem === undefined || !(0,lib_errors/* mayPass */.bg)(problem) || left === 0)
                return result;
            if (!pace.failed(turn, undefined))
                return result;
        }
        finally {
            pace.left(turn);
        }
    }
}
/** Connections beside the first, where it is known without a lookup that all files will be sent. */
function neededSoon({ inputs, simpleIndex, distributions }) {
    if (simpleIndex !== 'off' || inputs.dryRun)
        return 0;
    return Math.min(inputs.maxParallel, distributions.length) - 1;
}
/**
 * A server that judges the certificate in HTTP (nginx) passes every handshake: in a dry run the names are all that shows
 * whether it would take this one.
 */
function tellAuthorities({ names, ours }, { runner }, { warnings, chain }) {
    const shown = names.length === 0 ? 'it names none' : names.slice(0, MOST_NAMES).join('; ');
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
    runner.log('Server', `CAs whose client certificates it accepts: ${shown}${more}`);
    if (chain === undefined || names.length === 0 || ours !== undefined)
        return;
    warnings.push(`the server names the CAs whose client certificates it accepts (${shown}${more}), and none of them issued a certificate of this chain: it may refuse it`);
}
/** CAs in one line. */
const MOST_NAMES = 5;
const SERVER_DECIDES = 'the server took the client certificate although the chain check refuses it: with `chain-check: warn` the server decides';

;// CONCATENATED MODULE: ./lib/certificates/facts.js

/** What a certificate may be used for (RFC 5280, 4.2.1.12), by the names that OpenSSL's configuration has for it. */
const PURPOSES = new Map([
    ['2.5.29.37.0', 'anyExtendedKeyUsage'],
    ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
    ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
    ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
    ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
    ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
    ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
]);
/** Characters of the names of one certificate: those of a service mesh are long, those of a public front many. */
const LONGEST_NAMES = 500;
const MS_PER_DAY = 24 * 60 * 60 * 1000;
/** What reports and tickets say about the certificates that are sent: leaf first. */
function certificateFacts(chain) {
    return chain.map((certificate, index) => ({
        position: index === 0 ? 'leaf' : `intermediate ${index}`,
        subject: (0,lib_text/* subjectOf */.et)(certificate),
        issuer: (0,lib_text/* issuerOf */.xD)(certificate),
        serial: certificate.serialNumber,
        fingerprint256: certificate.fingerprint256,
        notBefore: certificate.validFromDate,
        notAfter: certificate.validToDate,
        names: (0,lib_text/* printable */.g$)(certificate.subjectAltName ?? '', LONGEST_NAMES),
        purposes: purposesOf(certificate),
    }));
}
/** Node calls the extended key usage `keyUsage`, and leaves it undefined where there is none. */
function purposesOf({ keyUsage }) {
    return keyUsage?.map((oid) => PURPOSES.get(oid) ?? oid);
}
/** Whole days from `now` until `expires`; negative when it is over. */
function daysLeft(expires, now) {
    return Math.floor((expires.getTime() - now.getTime()) / MS_PER_DAY);
}

// EXTERNAL MODULE: ./lib/runner.js
var runner = __nccwpck_require__(869);
;// CONCATENATED MODULE: ./lib/transport/comparison.js

const NOTHING = { words: '', hint: undefined };
const DATES = ['E_CERT_EXPIRED', 'E_CERT_NOT_YET_VALID'];
const PATH = [
    'E_CERT_INCOMPLETE_CHAIN',
    'E_CERT_UNKNOWN_ISSUER',
    'E_CERT_NOT_A_CA',
    'E_CERT_PATH_LENGTH',
    'E_CERT_SIGNATURE',
];
/** Codes of findings that explain a complaint. */
const CAUSES = {
    date: DATES,
    purpose: ['E_CERT_PURPOSE', 'E_CERT_NOT_A_CA'],
    revocation: ['E_CERT_REVOKED'],
    issuer: PATH,
    signature: ['E_CERT_SIGNATURE', 'E_CERT_WEAK'],
    any: [...DATES, 'E_CERT_REVOKED', 'E_CERT_PURPOSE', 'E_CERT_WEAK', 'E_CERT_REFUSED', ...PATH],
};
const OWN_SIDE = 'So the fault is most likely on the side of the server';
/**
 * A server's complaint beside what we know of our chain. A weakness that we know explains it. A complaint that does not
 * fit what we know points at the server, and the hint then says where to look there.
 */
function comparison_compare(complaint, party) {
    const { own } = party;
    if (own === undefined)
        return NOTHING;
    const cause = own.findings.find(({ code, severity }) => severity !== 'notice' && CAUSES[complaint].includes(code));
    if (cause !== undefined)
        return { words: `; the likely reason: ${cause.message}`, hint: undefined };
    switch (complaint) {
        case 'date':
            return validHere(own, party);
        case 'purpose':
            return fitHere(own);
        case 'revocation':
            return { words: named(own), hint: undefined };
        case 'issuer':
            return issuerHere(own, party, true);
        case 'signature':
            return { words: '', hint: remade(topIssuer(own)) };
        case 'any':
            return issuerHere(own, party, false);
    }
}
function validHere({ certificates }, { now }) {
    const [leaf] = certificates;
    const time = now();
    if (leaf === undefined || certificates.some((one) => one.validFromDate > time || one.validToDate < time)) {
        return NOTHING;
    }
    const all = certificates.length === 1 ? 'it' : `each of the ${certificates.length} certificates that were sent`;
    return {
        words: `, but ${all} is valid (the leaf until ${(0,lib_text/* formatTime */.fU)(leaf.validToDate)}; this runner's clock says ${(0,lib_text/* formatTime */.fU)(time)})`,
        hint: `${OWN_SIDE}: a CA certificate above the chain, or its copy of an intermediate, has ended there, its revocation list is out of date (OpenSSL says so with this alert), or its clock is wrong.`,
    };
}
/** `keyUsage` is Node's name of the extended key usage. */
const comparison_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
function fitHere({ certificates: [leaf] }) {
    const purposes = leaf?.keyUsage;
    if (leaf === undefined || (purposes !== undefined && !purposes.includes(comparison_CLIENT_AUTH)))
        return NOTHING;
    const why = purposes === undefined ? 'no extended key usage limits it' : 'its extended key usage has clientAuth';
    return {
        words: `, but ${why}`,
        hint: `${OWN_SIDE}: one of its CA certificates above the chain may be limited to other purposes, or it does not take this kind of key.`,
    };
}
/** Which certificate a revocation list has to be searched for. */
function named({ certificates: [leaf] }) {
    if (leaf === undefined)
        return '';
    return ` (serial ${(0,lib_text/* printable */.g$)(leaf.serialNumber, 64)}, issued by ${(0,lib_text/* issuerOf */.xD)(leaf)})`;
}
/** Names of CAs in a sentence; the report has all of them. */
const comparison_MOST_NAMES = 3;
/** `complains`: the server's complaint is about the issuer, and not just any. */
function issuerHere(own, { accepted }, complains) {
    const { unknownIssuer } = own;
    const guess = unknownIssuer === undefined ? '' : `; the likely reason: ${unknownIssuer}`;
    if (accepted === undefined || accepted.names.length === 0)
        return { words: guess, hint: undefined };
    const { names, ours } = accepted;
    if (ours === undefined) {
        const reasons = [unknownIssuer, notNamed(own, names)].filter((one) => one !== undefined);
        return { words: `; the likely reason: ${reasons.join('; ')}`, hint: undefined };
    }
    return {
        words: `, although it names ${ours} among the CAs that it accepts`,
        hint: complains ? remade(ours) : undefined,
    };
}
function notNamed(own, names) {
    const more = names.length > comparison_MOST_NAMES ? ` and ${(0,lib_text/* count */.U9)(names.length - comparison_MOST_NAMES, 'other')}` : '';
    const list = `${names.slice(0, comparison_MOST_NAMES).join('; ')}${more}`;
    return `it names the CAs whose certificates it accepts (${list}), and the chain that was sent ends below ${topIssuer(own)}`;
}
function topIssuer({ certificates }) {
    const top = certificates.at(-1);
    return top === undefined ? 'its CA' : (0,lib_text/* issuerOf */.xD)(top);
}
/** Same name, other key: what renewing a CA without its key comes to. */
function remade(authority) {
    return `${OWN_SIDE}: its copy of ${authority} may be another CA of that name (made anew with another key), it may have no revocation list of it, or follow shorter chains only. Compare the fingerprint of the CA there with that of the CA that issued this certificate.`;
}

;// CONCATENATED MODULE: ./lib/transport/alert.js


/**
 * Number of the TLS alert (RFC 8446, 6) that the other side sent, or undefined. OpenSSL names it in the message alone;
 * Node's code strings differ between versions.
 */
function alertOf(error) {
    if (!(error instanceof Error))
        return undefined;
    const [, number] = /SSL alert number (\d{1,3})/.exec(error.message) ?? [];
    return number === undefined ? undefined : Number(number);
}
const ASK = 'Ask the team that runs the server what its log says of this certificate.';
/** What a renewed secret that seems not to work comes from. */
const alert_QUEUED = 'If that is done already, this run was queued before: start a new one.';
/** Alerts that answer a client certificate. */
const REFUSALS = new Map([
    [
        42,
        {
            code: 'E_TLS_CLIENT_REFUSED',
            complaint: 'any',
            words: 'rejected the client certificate (bad certificate, alert 42)',
            hint: `Some servers say so of a certificate that is not valid yet, others of any that they do not accept. ${ASK}`,
        },
    ],
    [
        43,
        {
            code: 'E_TLS_CLIENT_PURPOSE',
            complaint: 'purpose',
            words: 'does not take such a certificate from a client (unsupported certificate, alert 43)',
            hint: 'Use a certificate whose extended key usage has clientAuth. Public CAs no longer issue those: take it from a private CA.',
        },
    ],
    [
        44,
        {
            code: 'E_TLS_CLIENT_REVOKED',
            complaint: 'revocation',
            words: 'says that the client certificate is revoked (alert 44)',
            hint: `Ask for a new client certificate, and store it together with its key. ${alert_QUEUED}`,
        },
    ],
    [
        45,
        {
            code: 'E_TLS_CLIENT_EXPIRED',
            complaint: 'date',
            words: 'says that the client certificate, or a CA certificate above it, has expired (alert 45)',
            hint: `Renew the client certificate, and store it together with its key. ${alert_QUEUED}`,
        },
    ],
    [
        46,
        {
            code: 'E_TLS_CLIENT_REFUSED',
            complaint: 'any',
            words: 'did not accept the client certificate and does not say why (certificate unknown, alert 46)',
            hint: ASK,
        },
    ],
    [
        48,
        {
            code: 'E_TLS_CLIENT_UNKNOWN_CA',
            complaint: 'issuer',
            words: 'does not trust the issuer of the client certificate (unknown CA, alert 48)',
            hint: 'Use a client certificate from a CA that this server trusts for clients, with its intermediate certificates behind it in client-cert.',
        },
    ],
    [
        49,
        {
            code: 'E_TLS_CLIENT_REFUSED',
            complaint: 'any',
            words: 'knows the client certificate but lets it not in (access denied, alert 49)',
            hint: 'Ask the team that runs the server to let this certificate in.',
        },
    ],
    [
        51,
        {
            code: 'E_TLS_CLIENT_REFUSED',
            complaint: 'signature',
            words: 'could not verify a signature in the chain of the client certificate (decrypt error, alert 51)',
            hint: ASK,
        },
    ],
]);
const HANDSHAKE_FAILURE = 40;
const DECRYPT_ERROR = 51;
const BAD_CERTIFICATE = 42;
const CERTIFICATE_UNKNOWN = 46;
const PROTOCOL_VERSION = 70;
const INSUFFICIENT_SECURITY = 71;
const UNRECOGNIZED_NAME = 112;
const NO_APPLICATION_PROTOCOL = 120;
/** `no certificate` (SSL 3, which some servers still send) and `certificate required` (TLS 1.3). */
const NO_CERTIFICATE = new Set([41, 116]);
/** What servers also say to a client that showed no certificate: OpenSSL in TLS 1.2, Go, Java. */
const PERHAPS_NO_CERTIFICATE = new Set([HANDSHAKE_FAILURE, BAD_CERTIFICATE, CERTIFICATE_UNKNOWN]);
/** Alerts about something else. */
const NAMES = new Map([
    [HANDSHAKE_FAILURE, 'handshake failure'],
    [10, 'unexpected message'],
    [20, 'bad record MAC'],
    [22, 'record overflow'],
    [47, 'illegal parameter'],
    [50, 'decode error'],
    [DECRYPT_ERROR, 'decrypt error'],
    [INSUFFICIENT_SECURITY, 'insufficient security'],
    [80, 'internal error'],
    [86, 'inappropriate fallback'],
    [109, 'missing extension'],
    [110, 'unsupported extension'],
    [UNRECOGNIZED_NAME, 'unrecognized name'],
    [NO_APPLICATION_PROTOCOL, 'no application protocol'],
]);
/** What an alert of the server means for this client: E_TLS_CLIENT_*, E_TLS_VERSION or E_TLS_HANDSHAKE. */
function explainAlert(alert, seen, party) {
    if (alert === PROTOCOL_VERSION)
        return versionFault('protocol version, alert 70', party);
    return party.own !== undefined ? alert_refusal(alert, seen, party) : alert_missing(alert, seen, party);
}
function alert_missing(alert, { asked }, party) {
    if (NO_CERTIFICATE.has(alert) || (asked && PERHAPS_NO_CERTIFICATE.has(alert))) {
        return certificateRequired(`alert ${alert}`, party);
    }
    return otherAlert(alert, party);
}
function alert_refusal(alert, { asked }, party) {
    const meaning = REFUSALS.get(alert);
    // Also said of our keys in the handshake: then the certificate was not looked at yet.
    if (meaning !== undefined && (asked || alert !== DECRYPT_ERROR))
        return alert_refused(meaning, party);
    if (NO_CERTIFICATE.has(alert)) {
        return {
            code: 'E_TLS_CLIENT_REQUIRED',
            message: `${party.target} says that it got no client certificate (alert ${alert}): none of the signature algorithms that it accepts fits the key in client-key`,
            hint: 'Ask the team that runs the server which kinds of keys (RSA, EC) it accepts.',
        };
    }
    if (alert !== HANDSHAKE_FAILURE || !asked)
        return otherAlert(alert, party);
    return alert_refused({
        code: 'E_TLS_CLIENT_REFUSED',
        complaint: 'any',
        words: 'asked for the client certificate and then ended the handshake (handshake failure, alert 40)',
        hint: `${ASK} It may also accept other kinds of keys only (RSA, EC).`,
    }, party);
}
/** A refusal beside what is known of the certificate: E_TLS_CLIENT_*. */
function alert_refused({ code, complaint, words, hint }, party) {
    const comparison = comparison_compare(complaint, party);
    return { code, message: `${party.target} ${words}${comparison.words}`, hint: comparison.hint ?? hint };
}
function otherAlert(alert, { target, host }) {
    const name = NAMES.get(alert);
    const hint = 'Ask the team that runs the server what its log says.';
    const address = (0,external_node_net_.isIP)(host) === 0 ? '' : ' For an address no name is sent: write the name instead.';
    const hints = new Map([
        [HANDSHAKE_FAILURE, `Client and server may have no cipher in common, or it wants a client certificate. ${hint}`],
        [INSUFFICIENT_SECURITY, `Client and server have no cipher in common that is strong enough for it. ${hint}`],
        [UNRECOGNIZED_NAME, `The server does not know the host name in repository-url: check it.${address}`],
        [NO_APPLICATION_PROTOCOL, 'The server does not take HTTP/1.1, which uploads need: have it switched on there.'],
    ]);
    return {
        code: 'E_TLS_HANDSHAKE',
        message: `${target} ended the TLS connection with alert ${alert}${name === undefined ? '' : ` (${name})`}`,
        hint: hints.get(alert) ?? hint,
    };
}
/** A server wants a client certificate and the run has none: E_TLS_CLIENT_REQUIRED. `how` says what showed it. */
function certificateRequired(how, { target }) {
    return {
        code: 'E_TLS_CLIENT_REQUIRED',
        message: `${target} requires a client certificate, and \`client-cert: none\` shows none (${how})`,
        hint: 'Give client-cert and client-key.',
    };
}
/** Client and server have no version in common: E_TLS_VERSION. `how` says what showed it. */
function versionFault(how, { target, tlsMinVersion, tlsMaxVersion }) {
    const offered = tlsMinVersion === tlsMaxVersion ? `${tlsMinVersion} alone` : `${tlsMinVersion} to ${tlsMaxVersion}`;
    const wider = tlsMinVersion === 'TLSv1.3' ? 'tls-min-version: 1.2' : 'tls-max-version: 1.3';
    return {
        code: 'E_TLS_VERSION',
        message: `${target} speaks no TLS version that was offered: ${offered} (${how})`,
        hint: tlsMinVersion === tlsMaxVersion
            ? `Write \`${wider}\`, unless the server must not be met that way.`
            : 'The server speaks TLS 1.1 or older alone: it has to be updated.',
    };
}

;// CONCATENATED MODULE: ./lib/progress.js





function startProgress(startedAt) {
    return {
        startedAt,
        results: [],
        problems: [],
        warnings: [],
        notices: [],
        inputs: undefined,
        chain: undefined,
        distributions: [],
        proxy: undefined,
        probe: undefined,
        accepted: undefined,
        exported: undefined,
    };
}
function hasSucceeded({ problems, results }) {
    return problems.length === 0 && !results.some(({ outcome }) => failsStep(outcome));
}
/** The finished run, for `report/`. */
function reportOf(progress, facts, cancelled, now) {
    const { inputs, chain, probe, proxy } = progress;
    const failed = cancelled ? 'cancelled' : 'failed';
    return {
        status: hasSucceeded(progress) ? 'succeeded' : failed,
        dryRun: inputs?.dryRun ?? false,
        looksUp: inputs?.checkUrl !== 'off',
        startedAt: progress.startedAt,
        finishedAt: now,
        repositoryUrl: inputs?.repositoryUrl,
        files: progress.results,
        problems: progress.problems,
        warnings: progress.warnings,
        notices: progress.notices,
        handshake: probe?.handshake ?? 'not-tried',
        server: probe?.facts,
        serverSeen: probe?.seen,
        serverCaNames: progress.accepted?.names,
        alert: probe?.alert ?? progress.problems.map(({ cause }) => alertOf(cause)).find((alert) => alert !== undefined),
        proxy: proxy && (0,lib_text/* shownUrl */.zA)(proxy),
        chain: certificateFacts(chain?.chain ?? []),
        anchor: chain?.anchor && (0,lib_text/* subjectOf */.et)(chain.anchor),
        findings: chain?.findings ?? [],
        ownCaBundle: inputs?.caBundle !== undefined && inputs.caBundle !== 'system',
        utcOffsetMinutes: -now.getTimezoneOffset(),
        certificateExpires: chain?.expires,
        certificateDaysLeft: chain && daysLeft(chain.expires, now),
        exported: progress.exported,
        supportContact: inputs?.supportContact,
        run: { ...facts, actionVersion: runner/* ACTION_VERSION */.Y },
        reportPath: '',
    };
}

;// CONCATENATED MODULE: ./lib/report/file-status.js

const STATUS = {
    published: { kind: 'notice', word: 'published', sentence: 'was published' },
    'already-published': {
        kind: 'notice',
        word: 'there before',
        sentence: 'was on the index before, with the same bytes',
    },
    skipped: { kind: 'warning', word: 'skipped', sentence: 'was skipped' },
    'would-publish': { kind: 'notice', word: 'would be published', sentence: 'would be published' },
    conflict: { kind: 'error', word: 'in conflict', sentence: 'is in conflict with the index' },
    rejected: { kind: 'error', word: 'rejected', sentence: 'was rejected' },
    unconfirmed: { kind: 'error', word: 'unconfirmed', sentence: 'was sent, but is not confirmed' },
    'no-answer': { kind: 'error', word: 'without an answer', sentence: 'got no answer' },
    'not-tried': { kind: 'error', word: 'not sent', sentence: 'was not sent' },
};
function statusOf({ outcome }) {
    return STATUS[outcome];
}
/** Whether this file makes the step fail. */
function isFailure(file) {
    return statusOf(file).kind === 'error';
}
/** The failing files before the others, each group in its order. */
function failuresFirst(files) {
    return [...files.filter(isFailure), ...files.filter((file) => !isFailure(file))];
}
/**
 * `demo-1.2.0.tar.gz was rejected: the index answered 400 Bad Request (E_HTTP_REJECTED). Read its words.` With the name,
 * since the log shows no titles of annotations.
 */
function fileSentence(file) {
    const { hint } = file;
    const reason = reasonOf(file);
    // "not sent, because ..." is a file's whole story.
    const story = file.outcome === 'not-tried' && reason !== '' ? '' : ` ${statusOf(file).sentence}`;
    return sentences(`${file.file}${story}${reason === '' ? '' : `: ${reason}`}`, hint);
}
/** Message and code; `''` where there is nothing to explain. */
function reasonOf({ message, code }) {
    const where = code === undefined ? '' : `(${code})`;
    return [message ?? '', where].filter((part) => part !== '').join(' ');
}
/** `E_CERT_EXPIRED: the client certificate ended on 2026-11-20. Renew it.` The code first, so that a cut never takes it. */
function file_status_problemSentence({ code, message, hint }) {
    return `${code}: ${sentences(message, hint)}`;
}
/** Message and hint, each with its full stop; `''` where there is neither. */
function sentences(message, hint) {
    return [message, hint].flatMap((text) => (text === undefined ? [] : [finished(text)])).join(' ');
}
/** With the full stop that a sentence ends in. */
function finished(sentence) {
    return /[.!?\u2026]$/.test(sentence) ? sentence : `${sentence}.`;
}
/** Characters that ` and 1234567 more` needs. */
const MORE_LENGTH = 20;
/** As many items as `max` characters hold, at least a part of the first, and how many are left. */
function listWithin(items, max, separator = ', ') {
    const all = items.join(separator);
    if (all.length <= max)
        return all;
    const [first = '', ...others] = items;
    let text = (0,lib_text/* clip */.$Q)(first, max - MORE_LENGTH);
    let left = others.length;
    for (const item of others) {
        if (text.length + separator.length + item.length > max - MORE_LENGTH)
            break;
        text += separator + item;
        left -= 1;
    }
    return left === 0 ? text : `${text} and ${left} more`;
}

;// CONCATENATED MODULE: ./lib/report/log-lines.js


/** Problems that stand in the log and in one annotation; the summary has all. */
const SHOWN_PROBLEMS = 5;
/** One file's end as a line of the log. The hint stands in the file's annotation. */
function fileLine(result) {
    const { file, outcome } = result;
    const { word, sentence } = statusOf(result);
    if (outcome === 'published')
        return `${file}: ${word} (${howPublished(result)})`;
    if (outcome === 'already-published')
        return `${file}: ${sentence}`;
    const reason = reasonOf(result);
    const story = outcome === 'not-tried' && reason !== '' ? [reason] : [word, reason];
    return [file, ...story].filter((part) => part !== '').join(': ');
}
/** `1.2 MB in 0.4 s, sha256 verified` */
function howPublished({ size, milliseconds, attempts, verified }) {
    const time = `${(0,lib_text/* formatBytes */.z3)(size)} in ${(milliseconds / 1000).toFixed(1)} s`;
    const tries = attempts > 1 ? ` and ${attempts} tries` : '';
    return `${time}${tries}${verified === 'no' ? '' : `, ${verified} verified`}`;
}
/** One line a problem, five at most, then how many more there are. */
function problemLines(problems) {
    const lines = problems.slice(0, SHOWN_PROBLEMS).map(problemSentence);
    const more = problems.length - lines.length;
    return more > 0 ? [...lines, `and ${more} more: see the summary`] : lines;
}
/** How a run that did not succeed ended, in three words or fewer: the beginning of `resultLine`. */
function failureTitle({ status, dryRun }) {
    const what = dryRun ? 'Dry run' : 'Publishing';
    return status === 'cancelled' ? `${what} cancelled` : `${what} failed`;
}
/** The run in one line, without a full stop: `Published 3 of 3 files to https://index.example.com/legacy/`. */
function resultLine(report) {
    if (report.status !== 'succeeded')
        return `${failureTitle(report)}: ${failureDetail(report)}`;
    return report.dryRun ? dryRunLine(report) : `Published ${published(report)}`;
}
/** What `resultLine` says behind the title of a failed run. */
function failureDetail(report) {
    const { dryRun, files, problems } = report;
    if (!dryRun)
        return files.length === 0 ? `nothing was published${target(report)}` : `published ${published(report)}`;
    const what = problems.length > 0
        ? `${(0,lib_text/* count */.U9)(problems.length, 'problem')} on the way`
        : `${files.filter(isFailure).length} of ${(0,lib_text/* count */.U9)(files.length, 'file')} would not be published`;
    return `${what}${target(report)}${isTaken(report) ? `, but ${TAKEN}` : ''}`;
}
function published(report) {
    return `${amount(report, 'published')} of ${(0,lib_text/* count */.U9)(report.files.length, 'file')}${target(report)}${besides(report)}`;
}
function amount({ files }, wanted) {
    return files.filter(({ outcome }) => outcome === wanted).length;
}
function target({ repositoryUrl }) {
    return repositoryUrl === undefined ? '' : ` to ${(0,lib_text/* shownUrl */.zA)(repositoryUrl)}`;
}
/** What a success can be besides `published`. */
function besides(report) {
    const before = amount(report, 'already-published');
    const skipped = amount(report, 'skipped');
    const parts = [
        before > 0 ? `, ${before} there before with the same bytes` : '',
        skipped > 0 ? `, ${skipped} skipped` : '',
    ];
    return parts.join('');
}
const TAKEN = 'the server takes the client certificate';
function isTaken({ handshake, chain }) {
    return chain.length > 0 && handshake === 'accepted';
}
function dryRunLine(report) {
    const { files } = report;
    const what = files.length === 0
        ? 'there is no file to publish'
        : `${(0,lib_text/* count */.U9)(amount(report, 'would-publish'), 'file')} would be published`;
    return `Dry run: ${what}${target(report)}${besides(report)}${isTaken(report) ? `, and ${TAKEN}` : ''}; nothing was sent`;
}

;// CONCATENATED MODULE: ./lib/report/annotations.js



/** The runner keeps 10 of each kind a step (actions/runner, ExecutionContext.cs) ... */
const MOST_OF_A_KIND = 10;
/** ... and cuts a message at 4,096 characters, without a word. */
const LONGEST_MESSAGE = 4000;
/**
 * The annotations of a run, within the runner's budget: one a file; with more files than fit, the last one of a kind has
 * the total and names the rest. A failed run's last `error` ends the step; a run that ended before its first file has
 * that one alone.
 */
function annotationsOf(report) {
    const { files, status, problems } = report;
    const endedEarly = problems.length > 0 && files.every(({ outcome }) => outcome === 'not-tried');
    const told = endedEarly ? [] : files;
    const ofKind = (kind) => told.filter((file) => statusOf(file).kind === kind).map(itemOf);
    const warnings = report.warnings.map((warning) => itemOfWarning(warning, files));
    const failed = status === 'succeeded' ? [] : [endOf(report, endedEarly)];
    return [
        ...within('notice', ofKind('notice'), MOST_OF_A_KIND),
        ...within('warning', [...warnings, ...ofKind('warning')], MOST_OF_A_KIND),
        ...within('error', ofKind('error'), MOST_OF_A_KIND - failed.length),
        ...failed,
    ];
}
function itemOf(file) {
    const release = `${file.project} ${file.version}`;
    const { word } = statusOf(file);
    return { title: file.file, message: fileSentence(file), release, word, name: differenceOf(file) };
}
/** A warning about a file begins with its name. Without a title GitHub shows the name of the job. */
function itemOfWarning(warning, files) {
    const title = files.find(({ file }) => warning.startsWith(`${file}: `))?.file ?? '';
    return { title, message: finished(warning), release: '', word: 'of the run', name: warning };
}
/** What tells a file from the others of its version: `cp312-cp312-win_amd64`, `sdist`. */
function differenceOf({ file, kind }) {
    if (kind === 'sdist')
        return 'sdist';
    return file
        .replace(/\.whl$/, '')
        .split('-')
        .slice(2)
        .join('-');
}
function within(kind, items, most) {
    if (items.length <= most)
        return items.map(({ title, message }) => annotation(kind, title, message));
    const alone = items.slice(0, most - 1);
    return [...alone.map(({ title, message }) => annotation(kind, title, message)), restOf(kind, items, alone.length)];
}
function restOf(kind, items, shown) {
    const rest = items.slice(shown);
    const words = [...Map.groupBy(items, ({ word }) => word)];
    const totals = words.map(([word, members]) => `${members.length} ${word}`).join(', ');
    const [first] = words;
    const alike = words.length === 1 && first !== undefined;
    const title = alike && kind !== 'warning' ? `${(0,lib_text/* count */.U9)(items.length, 'file')} ${first[0]}` : `${(0,lib_text/* count */.U9)(items.length, kind)} in all`;
    const start = `${totals}. The summary has each; without an annotation of their own: `;
    return annotation(kind, title, `${start}${listWithin(annotations_named(rest, alike), LONGEST_MESSAGE - start.length, '')}`);
}
/**
 * The items with what divides them; a release is named once, and so is a word where they differ: `demo 1.2.0: rejected
 * cp312-none-any`, `, cp313-none-any`, `; not sent sdist`, `; demo 1.3.0: not sent sdist`.
 */
function annotations_named(items, alike) {
    const parts = [];
    for (const [release, members] of Map.groupBy(items, (item) => item.release)) {
        for (const [word, same] of Map.groupBy(members, (item) => item.word)) {
            const isFirst = same[0] === members[0];
            const start = `${isFirst && release !== '' ? `${release}: ` : ''}${alike || release === '' ? '' : `${word} `}`;
            // Warnings of the run are sentences: a comma would not divide them.
            const between = release === '' ? '; ' : ', ';
            parts.push(...same.map(({ name }, index) => (index === 0 ? `; ${start}${name}` : `${between}${name}`)));
        }
    }
    return parts.map((part, index) => (index === 0 ? part.slice(2) : part));
}
/** The sentence that ends the step. */
function endOf(report, endedEarly) {
    const reasons = reasonsOf(report);
    const detail = failureDetail(report);
    const message = endedEarly ? reasons : `${detail.charAt(0).toUpperCase()}${finished(detail.slice(1))} ${reasons}`;
    return annotation('error', failureTitle(report), message);
}
function reasonsOf({ problems, files }) {
    const shown = problems.slice(0, SHOWN_PROBLEMS);
    if (shown.length === 0)
        return `${(0,lib_text/* count */.U9)(files.filter(isFailure).length, 'file')} failed; the summary says why.`;
    const more = problems.length - shown.length;
    // Each gets its share, so that a long one does not cut the others off.
    const share = Math.floor((LONGEST_MESSAGE - 400) / shown.length);
    const sentences = shown.map((problem, index) => {
        const number = shown.length === 1 ? '' : `${index + 1}) `;
        return `${number}${(0,lib_text/* clip */.$Q)(file_status_problemSentence(problem), share)}`;
    });
    return `${sentences.join(' ')}${more > 0 ? ` And ${more} more in the summary.` : ''}`;
}
/** The last gate before the runner: one printable line, whatever its parts were. */
function annotation(kind, title, message) {
    return { kind, title: (0,lib_text/* printable */.g$)(title, 200), message: (0,lib_text/* printable */.g$)(message, LONGEST_MESSAGE) };
}

;// CONCATENATED MODULE: ./lib/report/repairs.js
const PAIR = 'the secrets behind `client-cert` and `client-key`, whole and both together; the next run reads the new values';
/** By code, or by the beginning of several: the first that fits counts. */
const REPAIRS = [
    ['E_INPUT_FILE', 'workflow', 'the path in the input that is named, or the step that should have written the file'],
    ['E_INPUT_FORMAT', 'setting', 'the secret or file behind the input that is named, stored again as a whole'],
    ['E_INPUT_TRUNCATED', 'setting', 'the secret or file behind the input that is named, stored again as a whole'],
    ['E_INPUT_', 'workflow', 'the line of the input that is named, or the secret or variable behind it'],
    ['E_RUN_UNTRUSTED_EVENT', 'workflow', 'the trigger (`on:`) of the workflow'],
    ['E_RUN_CANCELLED', 'setting', 'nothing, the run was stopped from outside'],
    ['E_RUN_', 'setting', 'nothing of yours; report this fault of the action with the debug log'],
    ['E_MATERIAL_', 'setting', 'the temporary directory of the runner, or its file system in memory'],
    ['E_KEY_PASSPHRASE_', 'setting', 'the secret behind `client-key-passphrase`; the next run reads the new value'],
    ['E_CERT_UNKNOWN_ISSUER', 'setting', `\`client-ca-bundle\`, or ${PAIR}`],
    ['E_CERT_', 'setting', PAIR],
    ['E_CRL_', 'setting', 'the text or file behind `client-crl`, stored again as a whole'],
    ['E_KEY_', 'setting', PAIR],
    ['E_CA_', 'setting', 'the text or file behind the CA bundle that is named, stored again as a whole'],
    ['E_DIST_NONE', 'workflow', '`packages-dir` or `files`, or the job that should have built the distributions'],
    ['E_DIST_PATTERN', 'workflow', 'the lines of `files`'],
    ['E_DIST_FILE', 'workflow', '`packages-dir` or `files`, or the file that is named'],
    ['E_DIST_LINK', 'workflow', 'what lies in `packages-dir`, or the lines of `files`'],
    ['E_DIST_STRAY', 'workflow', 'what lies in `packages-dir`, or the lines of `files`'],
    ['E_DIST_DUPLICATE', 'workflow', 'what lies in `packages-dir`, or the lines of `files`'],
    ['E_DIST_CHANGED', 'setting', 'whatever writes to the files while they are published'],
    ['E_DIST_', 'files', 'the build of the files that are named'],
    ['E_EXPECTED_', 'files', 'the build, or the `expected-` input that it does not agree with'],
    ['E_NETWORK_', 'workflow', 'the way from this runner to the index (DNS, firewall), or `repository-url`'],
    ['E_PROXY_', 'setting', 'the proxy (`https_proxy` and `no_proxy` of this runner), or its rules'],
    ['E_TLS_NOT_TLS', 'workflow', 'host and port in `repository-url`'],
    ['E_TLS_VERSION', 'workflow', '`tls-min-version` and `tls-max-version`, or the TLS versions of the server'],
    ['E_TLS_SERVER_NAME', 'workflow', 'the host in `repository-url`, or the certificate of the server'],
    ['E_TLS_SERVER_', 'workflow', '`ca-bundle`, or the certificate of the server'],
    ['E_TLS_INSPECTED', 'setting', 'the proxy that breaks TLS open: it has to let this host pass unopened'],
    ['E_TLS_CLIENT_NOT_ASKED', 'workflow', 'the server, which has to ask for client certificates, or `repository-url`'],
    ['E_TLS_CLIENT_', 'setting', `what the server trusts and revokes, or ${PAIR}`],
    ['E_TLS_', 'workflow', '`repository-url`, or the TLS settings of the server'],
    ['E_INDEX_UNPROVEN', 'workflow', '`check-url`, which needs the address of the simple index'],
    ['E_INDEX_LOOKUP', 'workflow', '`check-url`, or what this user or certificate may read on the index'],
    ['E_INDEX_CONFLICT', 'files', 'the version, since the index keeps what it has under a name'],
    [
        'E_INDEX_',
        'setting',
        'nothing, if the index lists the files later; else `check-url` may be the address of another index',
    ],
    ['E_HTTP_CLIENT_CERT_', 'setting', `what the server trusts and revokes, or ${PAIR}`],
    [
        'E_HTTP_UNAUTHORIZED',
        'setting',
        'the secrets behind `user` and `password`, or the account that the index gives this certificate',
    ],
    ['E_HTTP_FORBIDDEN', 'setting', 'the permissions of this user or certificate on the index'],
    ['E_HTTP_EXISTS', 'files', 'the version, since the index keeps what it has under a name'],
    ['E_HTTP_TOO_LARGE', 'setting', 'the size limit of the index or of what stands in front of it'],
    ['E_HTTP_TOO_MANY_REQUESTS', 'setting', 'nothing, but wait as long as the index says'],
    ['E_HTTP_NOT_FOUND', 'workflow', '`repository-url`'],
    ['E_HTTP_REDIRECT', 'workflow', '`repository-url` or `check-url`, whichever the message names'],
    ['E_HTTP_LOGIN_PAGE', 'workflow', '`repository-url`, which must be an address without a login for people'],
    ['E_HTTP_BLOCKED', 'setting', 'the rule of the firewall in front of the index'],
    ['E_HTTP_MISDIRECTED', 'workflow', 'the host in `repository-url`'],
    ['E_HTTP_NOT_HTTP', 'workflow', 'host and port in `repository-url`'],
    ['E_HTTP_REJECTED', 'files', 'the files or the settings of the index, as its words say'],
    [
        'E_HTTP_',
        'setting',
        'nothing of yours at first; the log of the index, or of what stands in front of it, says why it broke off',
    ],
];
/** What has to be mended for one code. */
function repairOf(code) {
    const [, changes = 'setting', what = 'what the message names'] = REPAIRS.find(([start]) => code.startsWith(start)) ?? [];
    return { what, changes };
}

;// CONCATENATED MODULE: ./lib/report/closing.js



/** Characters of one list of file names. */
const NAMES_LENGTH = 300;
/** Repairs that one line names. */
const SHOWN_REPAIRS = 3;
/** The four lines that end a failed or cancelled run, each `Label: text`; `[]` after a success. */
function closingLines(report) {
    return closingOf(report).map(({ label, text, link }) => `${label}: ${text}${link === '' ? '' : ` ${link}`}`);
}
/**
 * What is on the index, whether a second run is safe and which button starts it, what to mend, whom to ask. Where nobody
 * looks (`check-url: off`), what a second run meets is the index's own rule, and the lines say so.
 */
function closingOf(report) {
    if (report.status === 'succeeded')
        return [];
    const codes = codesOf(report);
    const repairs = codes.map(repairOf);
    return [
        { label: 'On the index', text: stateOf(report), link: '' },
        { label: 'Run again', text: againOf(report, repairs), link: '' },
        { label: 'To mend', text: mendingOf(repairs), link: '' },
        askingOf(report, codes),
    ];
}
/**
 * The section of the troubleshooting page for one code (undefined: the page), at the version of the action that runs;
 * `''` where the runner does not say where the action comes from (a local action).
 */
function troubleshootingUrl(run, code) {
    const { serverUrl, actionRepository, actionRef } = run;
    if (actionRepository === '' || !/^https?:\/\/[A-Za-z0-9.:-]+$/.test(serverUrl))
        return '';
    const page = `${inUrl(actionRepository)}/blob/${inUrl(actionRef || 'HEAD')}/docs/troubleshooting.md`;
    return `${serverUrl}/${page}${code === undefined ? '' : `#${code.toLowerCase()}`}`;
}
/** Path segments, with nothing left in them that Markdown or HTML would act on. */
function inUrl(path) {
    const encode = (text) => encodeURIComponent(text.toWellFormed());
    return path
        .split('/')
        .map(encode)
        .join('/')
        .replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}
/** What ended the run first, then what ended single files. */
function codesOf({ problems, files }) {
    const ofFiles = files.filter(isFailure).flatMap(({ code }) => (code === undefined ? [] : [code]));
    return [...new Set([...problems.map(({ code }) => code), ...ofFiles])];
}
function placeOf({ outcome, code }) {
    if (outcome === 'published')
        return 'published';
    if (outcome === 'already-published')
        return 'same-before';
    if (outcome === 'conflict' || outcome === 'skipped')
        return code === 'E_INDEX_CONFLICT' ? 'other-before' : 'there-before';
    if (outcome === 'no-answer' || outcome === 'unconfirmed')
        return 'unknown';
    if (outcome !== 'rejected')
        return 'missing';
    if (code === 'E_HTTP_EXISTS')
        return 'there-before';
    // A front that waited too long for the index answers 504, and the index may have the file.
    return code === 'E_HTTP_SERVER_ERROR' ? 'unknown' : 'missing';
}
/** Names that the index has. */
const ON_INDEX = ['published', 'same-before', 'other-before', 'there-before'];
function filesAt({ files }, ...places) {
    return files.filter((file) => places.includes(placeOf(file)));
}
function namesAt(report, place, before) {
    const names = filesAt(report, place).map(({ file }) => file);
    return names.length === 0 ? '' : `${before}${listWithin(names, NAMES_LENGTH)}`;
}
function stateOf(report) {
    const { files, dryRun } = report;
    if (dryRun)
        return 'nothing by this run; a dry run sends no file.';
    if (files.length === 0)
        return 'nothing by this run; it ended before a file was sent.';
    const published = filesAt(report, 'published').length;
    const parts = [
        `${published} of ${(0,lib_text/* count */.U9)(files.length, 'file')} by this run${namesAt(report, 'published', ': ')}`,
        namesAt(report, 'same-before', 'there before with the same bytes: '),
        namesAt(report, 'other-before', 'there before with other bytes, and not replaced: '),
        namesAt(report, 'there-before', 'there before, and not replaced: '),
        namesAt(report, 'unknown', 'sent, but nobody knows whether it is there: '),
        namesAt(report, 'missing', 'not published: '),
    ];
    return finished(parts.filter((part) => part !== '').join('; '));
}
function againOf(report, repairs) {
    const { files, dryRun, looksUp } = report;
    if (dryRun)
        return `safe, always. ${buttonFor(repairs)}`;
    const onIndex = filesAt(report, ...ON_INDEX);
    if (files.length > 0 && onIndex.length === files.length)
        return allThere(report);
    if (looksUp)
        return `safe${timeOf(report)}: files that are on the index are recognised and not sent again. ${buttonFor(repairs)}`;
    const unknown = filesAt(report, 'unknown');
    if (onIndex.length === 0 && unknown.length === 0)
        return `safe, since the index took no file. ${buttonFor(repairs)}`;
    const care = `with care. ${SECOND_TIME}`;
    return onIndex.length === 0
        ? care
        : `${care} For the rest alone, start a new run with these lines in \`files\`, after its patterns (\`dist/*\`): ${closing_exclusions(onIndex)}`;
}
/** `, but not before 2026-11-27 03:30 UTC, as the index asks`; `''` where it asks for nothing. */
function timeOf({ files }) {
    const times = files.flatMap(({ notBefore }) => (notBefore === undefined ? [] : [notBefore.getTime()]));
    return times.length === 0 ? '' : `, but not before ${(0,lib_text/* formatTime */.fU)(new Date(Math.max(...times)))}, as the index asks`;
}
const SECOND_TIME = 'With `check-url: off` "Re-run failed jobs" sends all files again: most indexes refuse the ones that they have, and the step fails once more; some overwrite them.';
function allThere(report) {
    const other = filesAt(report, 'other-before').length;
    if (other > 0)
        return 'of no use for the files in conflict: other bytes under a name need a new version.';
    if (filesAt(report, 'there-before').length === 0)
        return 'not needed for the files: all of them are on the index.';
    return 'of no use for these files: the index has one of each name, and its bytes could not be compared.';
}
function closing_exclusions(files) {
    const lines = files.map(({ file }) => `!**/${file}`);
    return listWithin(lines, NAMES_LENGTH, ' ');
}
/** A re-run has the commit, the workflow file and the artifacts of the first run, but today's secrets and variables. */
function buttonFor(repairs) {
    if (repairs.some(({ changes }) => changes === 'files')) {
        return '"Re-run failed jobs" takes the same files; mended ones need a new build ("Re-run all jobs") or a new run.';
    }
    if (repairs.some(({ changes }) => changes === 'workflow')) {
        return '"Re-run failed jobs" reads secrets and variables anew; a changed workflow file needs a new run.';
    }
    return '"Re-run failed jobs" is enough: it reads secrets and variables anew.';
}
function mendingOf(repairs) {
    const all = [...new Set(repairs.map(({ what }) => what))];
    const shown = all.slice(0, SHOWN_REPAIRS);
    if (all.length === 0)
        return 'what the messages of the files name.';
    const more = all.length > shown.length ? '. The summary has the rest' : '';
    return finished(`${shown.join('. Also: ')}${more}`);
}
function askingOf({ supportContact, run }, [code]) {
    const contact = supportContact === undefined ? 'the team that runs the index' : (0,lib_text/* printable */.g$)(supportContact);
    const link = troubleshootingUrl(run, code);
    const about = code ?? 'this';
    const text = link === '' ? `${contact} - about ${about}: docs/troubleshooting.md of this action` : `${contact} - about ${about}:`;
    return { label: 'Whom to ask', text, link };
}

;// CONCATENATED MODULE: ./lib/report/outputs.js

/**
 * Characters of the output `files`, all of them ASCII. GitHub takes 1 MB of outputs a job and counts them in UTF-16, two
 * bytes a character.
 */
const LONGEST_FILES = 450_000;
/**
 * Every output of `action.yml`, by name; `''` where a value is not known. People paste outputs into shells: nothing here
 * is text that a server, an archive or a certificate chose freely.
 */
function outputsOf(report) {
    const { files, exported, certificateExpires: expires, certificateDaysLeft: daysLeft } = report;
    const amount = (wanted) => String(files.filter(({ outcome }) => outcome === wanted).length);
    return new Map([
        ['published', amount('published')],
        ['already-published', amount('already-published')],
        ['skipped', amount('skipped')],
        ['failed', String(files.filter(isFailure).length)],
        ['files', filesJson(files)],
        ['version', oneVersion(files)],
        ['report-path', report.reportPath],
        ['handshake', report.handshake],
        ['certificate-expires', expires === undefined ? '' : isoTime(expires)],
        ['certificate-days-left', daysLeft === undefined || Number.isNaN(daysLeft) ? '' : String(daysLeft)],
        ['client-cert-path', exported?.clientCert ?? ''],
        ['client-key-path', exported?.clientKey ?? ''],
        ['client-pem-path', exported?.clientPem ?? ''],
        ['ca-bundle-path', exported?.caBundle ?? ''],
    ]);
}
function oneVersion(files) {
    const [version = '', ...others] = new Set(files.map((file) => file.version));
    return others.length === 0 ? version : '';
}
/** In upload order while all fit; otherwise failures first, as many as fit. */
function filesJson(files) {
    const all = `[${files.map(fileJson).join(',')}]`;
    if (all.length <= LONGEST_FILES)
        return all;
    const kept = [];
    let length = 1;
    for (const json of failuresFirst(files).map(fileJson)) {
        length += json.length + 1;
        if (length > LONGEST_FILES)
            break;
        kept.push(json);
    }
    return `[${kept.join(',')}]`;
}
function fileJson(result) {
    const { file, project: name, version, sha256, size, outcome, verified, attempts, milliseconds } = result;
    const code = result.code ?? '';
    return JSON.stringify({ file, name, version, sha256, size, outcome, verified, attempts, milliseconds, code });
}
/** `2026-11-25T06:00:00.000Z`; `''` for a date that a certificate spells in a way nobody can read. */
function isoTime(date) {
    return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

;// CONCATENATED MODULE: ./lib/report/json-report.js



/** Goes up when a field of the report changes its meaning or goes away; new fields may come at any time. */
const SCHEMA_VERSION = 1;
/**
 * The whole run as JSON (UTF-8, a line end at its end), for scripts and archives. Times are ISO 8601 in UTC, sizes bytes,
 * digests lower-case hexadecimal; what is not known is `null`, or `''` among the facts of `run`. Texts are redacted and
 * printable, but chosen by servers, archives and certificates: data, never commands.
 */
function jsonReport(report) {
    const { status, dryRun, startedAt, finishedAt, repositoryUrl, files, problems, warnings, notices } = report;
    const { handshake, server, proxy, chain, certificateExpires, certificateDaysLeft, exported, run } = report;
    const content = {
        schemaVersion: SCHEMA_VERSION,
        status,
        dryRun,
        startedAt: isoTime(startedAt),
        finishedAt: isoTime(finishedAt),
        repositoryUrl: repositoryUrl === undefined ? null : (0,lib_text/* shownUrl */.zA)(repositoryUrl),
        files: files.map(fileOf),
        problems: problems.map(problemOf),
        warnings,
        notices,
        nextSteps: closingOf(report).map(({ label, text, link }) => ({ label, text, link: link === '' ? null : link })),
        handshake,
        server: server ?? null,
        proxy: proxy ?? null,
        serverCaNames: report.serverCaNames ?? null,
        alert: report.alert ?? null,
        chain: chain.map(certificateOf),
        anchor: report.anchor ?? null,
        findings: report.findings.map(findingOf),
        certificateExpires: certificateExpires === undefined ? null : isoTime(certificateExpires),
        certificateDaysLeft: certificateDaysLeft ?? null,
        exported: exported ?? null,
        supportContact: report.supportContact ?? null,
        run: runOf(run),
        reportPath: report.reportPath,
    };
    return `${JSON.stringify(content, null, 2)}\n`;
}
function fileOf({ project: name, ...result }) {
    const { file, kind, version, sha256, size, outcome, verified, attempts, milliseconds } = result;
    const why = { code: result.code ?? null, message: result.message ?? null, hint: result.hint ?? null };
    const numbers = { attempts, milliseconds, requestNumber: result.requestNumber ?? null };
    return { file, kind, name, version, sha256, size, outcome, verified, ...numbers, ...why };
}
/** Without the cause: it is not ours, and nothing in it went through the rules for foreign text. */
function problemOf({ code, message, hint }) {
    return { code, message, hint: hint ?? null };
}
function certificateOf({ notBefore, notAfter, ...facts }) {
    const { position, subject, issuer, serial, fingerprint256, names, purposes } = facts;
    const dates = { notBefore: isoTime(notBefore), notAfter: isoTime(notAfter) };
    return { position, subject, issuer, serial, fingerprint256, ...dates, names, extendedKeyUsage: purposes ?? null };
}
function findingOf({ code, severity, position, subject, message, hint }) {
    return { code, severity, position, subject, message, hint: hint ?? null };
}
/** Field by field: whoever makes the report may hand over more than belongs into it. */
function runOf(run) {
    const { repository, commit, ref, actor, workflow, job, runId, runAttempt } = run;
    const { serverUrl, actionRepository, actionRef, actionVersion } = run;
    const where = { repository, commit, ref, actor, workflow, job, runId, runAttempt, serverUrl };
    return { ...where, actionRepository, actionRef, actionVersion };
}

;// CONCATENATED MODULE: ./lib/report/picture.js

/** Certificates and findings that are drawn. Beyond, a node says how many more there are. */
const MOST_CERTIFICATES = 5;
const MOST_FINDINGS = 5;
/** Characters of a finding's sentence: what has to be read stands at its end. */
const picture_LONGEST_MESSAGE = 250;
/** Names of CAs in the server's node. */
const MOST_CA_NAMES = 3;
/**
 * Colours that are readable on white and on black, each with its own text colour: GitHub changes its theme of diagrams
 * with the reader's, and these stay.
 */
const CLASSES = {
    good: 'fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
    warning: 'fill:#fff8c5,stroke:#9a6700,color:#1f2328',
    error: 'fill:#ffebe9,stroke:#cf222e,color:#1f2328',
    plain: 'fill:#ddf4ff,stroke:#0969da,color:#1f2328',
    unknown: 'fill:#f6f8fa,stroke:#59636e,color:#1f2328,stroke-dasharray:4 3',
};
/**
 * Certificate chain, findings and server as a Mermaid flowchart (the text between the fences, with a line end at its
 * end); `''` without a client certificate. Under Mermaid's own limit of 50,000 characters. How many nodes there are
 * follows from how many certificates and findings there are, never from their text.
 */
function pictureOf(report) {
    if (report.chain.length === 0)
        return '';
    return [
        'flowchart TB',
        '  accTitle: Client certificate chain, findings and server',
        ...chainPart(report),
        ...findingPart(report),
        ...serverPart(report),
        ...Object.entries(CLASSES).map(([name, style]) => `  classDef ${name} ${style}`),
        '',
    ].join('\n');
}
/** A quoted label: its lines are escaped one by one, the line ends between them are ours. */
function node(id, look, ...lines) {
    return labelled(id, look, lines.map((text) => (0,lib_text/* mermaidText */.Hg)(text)));
}
function labelled(id, look, lines) {
    return `  ${id}["${lines.filter((text) => text !== '').join('<br/>')}"]:::${look}`;
}
/** From the top of the chain down to the leaf, as one certificate signs the next. */
function chainPart(report) {
    const { chain } = report;
    const shown = chain.slice(0, MOST_CERTIFICATES);
    const more = chain.length - shown.length;
    const nodes = shown.map(({ position, subject, notAfter }, index) => node(`c${index}`, lookAt(report, position), position, subject, `ends ${(0,lib_text/* formatDate */.Yq)(notAfter)}`));
    const rest = more > 0 ? [node('more', 'plain', `and ${(0,lib_text/* count */.U9)(more, 'more certificate')}`)] : [];
    const order = ['top', ...(more > 0 ? ['more'] : []), ...shown.map((_, index) => `c${index}`).reverse()];
    const links = order.slice(1).map((id, index) => `  ${order[index]} --> ${id}`);
    return [topNode(report), ...rest, ...nodes.reverse(), ...links];
}
/** Where the chain ends: the CA at hand, or the name of the one that is not. */
function topNode(report) {
    const { chain, anchor } = report;
    const root = report.findings.find(({ position }) => position === 'root');
    // A bundle can hold an intermediate of the chain, and nothing above it.
    if (anchor !== undefined && chain.every(({ subject }) => subject !== anchor)) {
        return node('top', lookAt(report, 'root'), 'trust anchor', anchor);
    }
    if (root !== undefined)
        return node('top', lookAt(report, 'root'), 'root', root.subject);
    return node('top', 'unknown', 'issuer, not at hand', chain.at(-1)?.issuer ?? '');
}
/** The colour of a certificate: that of the worst that is said about it. */
function lookAt({ findings }, place) {
    const said = findings.filter(({ position }) => position === place).map(({ severity }) => severity);
    if (said.includes('error'))
        return 'error';
    return said.includes('warning') ? 'warning' : 'good';
}
/** Each finding hangs on its certificate; what stands beside the chain hangs on the leaf, whose file it is in. */
function findingPart(report) {
    const told = report.findings.filter(({ severity }) => severity !== 'notice');
    const shown = told.slice(0, MOST_FINDINGS);
    const more = told.length - shown.length;
    return [
        ...shown.flatMap((finding, index) => [
            labelled(`f${index}`, finding.severity === 'error' ? 'error' : 'warning', [
                (0,lib_text/* mermaidText */.Hg)(finding.code),
                (0,lib_text/* mermaidText */.Hg)(finding.message, picture_LONGEST_MESSAGE),
            ]),
            `  ${idOf(report, finding)} -.- f${index}`,
        ]),
        ...(more > 0 ? [node('others', 'plain', `and ${(0,lib_text/* count */.U9)(more, 'more finding')}`), '  c0 -.- others'] : []),
    ];
}
function idOf({ chain }, { position }) {
    if (position === 'root')
        return 'top';
    const index = chain.findIndex((certificate) => certificate.position === position);
    if (index < 0)
        return 'c0';
    return index < MOST_CERTIFICATES ? `c${index}` : 'more';
}
/** What the handshake came to: our own words alone. */
const HANDSHAKES = {
    accepted: { look: 'good', words: 'accepted' },
    refused: { look: 'error', words: 'refused' },
    'not-asked': { look: 'warning', words: 'not asked for' },
    failed: { look: 'error', words: 'TLS failed' },
    'not-tried': { look: 'unknown', words: 'not sent' },
};
function serverPart(report) {
    const { repositoryUrl, handshake, alert, server, serverSeen, serverCaNames: names } = report;
    if (repositoryUrl === undefined)
        return [];
    const { look, words } = HANDSHAKES[handshake];
    const certificate = (server ?? serverSeen)?.server;
    const facts = certificate && [
        certificate.subject,
        `issued by ${certificate.issuer}`,
        `ends ${(0,lib_text/* formatDate */.Yq)(new Date(certificate.validTo))}`,
    ];
    const said = alert === undefined ? words : `${words}, alert ${alert}`;
    return [
        node('server', look, 'server', repositoryUrl.host, ...(facts ?? [])),
        `  c0 ==>|"${(0,lib_text/* mermaidText */.Hg)(said)}"| server`,
        ...(names === undefined ? [] : [node('asks', 'plain', ...askedFor(names)), '  server -.- asks']),
    ];
}
function askedFor(names) {
    if (names.length === 0)
        return ['asks for certificates', 'of any CA'];
    const more = names.length - MOST_CA_NAMES;
    return [
        'asks for certificates of',
        ...names.slice(0, MOST_CA_NAMES),
        ...(more > 0 ? [`and ${(0,lib_text/* count */.U9)(more, 'more CA')}`] : []),
    ];
}

;// CONCATENATED MODULE: ./lib/report/ticket.js




/** Certificates that the block describes: real chains have two to five. */
const ticket_MOST_CERTIFICATES = 10;
/** Sentences of the run that it repeats. */
const MOST_SENTENCES = 8;
/** Characters of one value, and of a list of names. */
const LONGEST_VALUE = 300;
const LONGEST_LIST = 3000;
/** Requests that it names: the operators need one of each kind. */
const MOST_REQUESTS = 5;
/** Files that the reader of the commands has to make; the private key is never more than a path here. */
const CLIENT_FILE = 'client.pem';
const KEY_FILE = 'client-key.pem';
const SERVER_CA_FILE = 'server-ca.pem';
const CLIENT_CA_FILE = 'client-ca.pem';
/**
 * What a PKI or network team needs to find the fault without asking back, as lines of plain text to paste into a ticket:
 * when and where, what the run says, the certificates as sent, the server, and commands that repeat the handshake.
 * At most 100 KiB of ASCII. `[]` after a success that is no dry run, and where neither server nor certificate is known.
 */
function ticketOf(report) {
    const { status, dryRun, repositoryUrl, chain } = report;
    if (status === 'succeeded' && !dryRun)
        return [];
    if (repositoryUrl === undefined && chain.length === 0)
        return [];
    return [
        ...placeLines(report),
        ...sentenceLines(report),
        ...serverLines(report),
        ...chainLines(report),
        ...commandLines(report),
    ];
}
/** `Label:   value`; left out where nothing is known. */
function line(label, value, max = LONGEST_VALUE) {
    const text = (0,lib_text/* printable */.g$)(value ?? '', max);
    return text === '' ? [] : [`${`${label}:`.padEnd(17)} ${text}`];
}
function placeLines(report) {
    const { repositoryUrl, finishedAt, utcOffsetMinutes, handshake, alert, proxy, run } = report;
    const { server, serverSeen } = report;
    const { protocol, cipher, remoteAddress } = server ?? serverSeen ?? {};
    const address = proxy === undefined || remoteAddress === undefined ? remoteAddress : `${remoteAddress} (the proxy)`;
    const target = repositoryUrl && targetOf(repositoryUrl);
    return [
        ...line('Time (UTC)', isoTime(finishedAt)),
        ...line("Runner's clock", localTime(finishedAt, utcOffsetMinutes)),
        ...line('Run', runName(run)),
        ...line('URL', repositoryUrl && (0,lib_text/* shownUrl */.zA)(repositoryUrl)),
        ...line('Host', target?.host),
        ...line('Port', target?.port),
        ...line('SNI', target && (target.serverName ?? '(none: the URL has an IP address)')),
        ...line('IP address', address ?? '(not connected)'),
        ...line('Proxy', proxy ?? '(none)'),
        ...line('TLS', [protocol, cipher].filter((part) => part !== undefined && part !== '').join(', ') || '(not agreed)'),
        ...line('Handshake', handshake),
        ...line('TLS alert', alert === undefined ? '(none seen)' : String(alert)),
        ...requestLines(report),
    ];
}
/** The numbers under which the operators of the front or of the index find what they refused. */
function requestLines({ files }) {
    const numbers = files.filter(isFailure).flatMap(({ requestNumber }) => requestNumber ?? []);
    return [...new Set(numbers)].slice(0, MOST_REQUESTS).flatMap((number) => line('Request number', number));
}
/** `octo-org/demo, run 42, attempt 1` */
function runName({ repository, runId, runAttempt }) {
    const parts = [repository, runId && `run ${runId}`, runAttempt && `attempt ${runAttempt}`];
    return parts.filter((part) => part !== '').join(', ');
}
function targetOf({ hostname, port: given }) {
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const port = given === '' ? '443' : given;
    return { host, port, authority: `${hostname}:${port}`, serverName: (0,external_node_net_.isIP)(host) === 0 ? host : undefined };
}
/** `2026-11-26T02:45:09+01:00`: a clock that is wrong by its zone shows here. */
function localTime(time, offset) {
    if (Number.isNaN(time.getTime()))
        return '';
    const shifted = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19);
    const twoDigits = (value) => String(Math.floor(value)).padStart(2, '0');
    const size = Math.abs(offset);
    return `${shifted}${offset < 0 ? '-' : '+'}${twoDigits(size / 60)}:${twoDigits(size % 60)}`;
}
/** What ended the run, then each fault of files once, then what the chain check only warns of. */
function sentenceLines({ problems, files, findings }) {
    const ofFiles = files.filter((file) => isFailure(file) && file.outcome !== 'not-tried').filter(isFirstOfItsCode);
    const warnings = findings.filter(({ severity }) => severity === 'warning');
    const said = [
        ...problems.map(({ code, message }) => ({ word: 'Fault', code, message })),
        ...ofFiles.map(({ code, message }) => ({ word: 'Fault', code, message })),
        ...warnings.map(({ code, message }) => ({ word: 'Warning', code, message })),
    ];
    const known = said.filter(({ code, message }) => code !== undefined && message !== undefined);
    const shown = new Map(known.map((one) => [`${one.code} ${one.message}`, one]));
    const sentences = [...shown.values()];
    const more = sentences.length - MOST_SENTENCES;
    return [
        ...sentences
            .slice(0, MOST_SENTENCES)
            .flatMap(({ word, code, message }) => line(word, `${code}: ${finished((0,lib_text/* printable */.g$)(message ?? '', 1000))}`, 1100)),
        ...(more > 0 ? line('And', `${(0,lib_text/* count */.U9)(more, 'more sentence')} in the summary`) : []),
    ];
}
function isFirstOfItsCode({ code }, index, failed) {
    return failed.findIndex((other) => other.code === code) === index;
}
function serverLines({ server, serverSeen, serverCaNames: names }) {
    const certificate = (server ?? serverSeen)?.server;
    const facts = certificate && [
        ...line('  Subject', certificate.subject),
        ...line('  Issuer', certificate.issuer),
        ...line('  Ends', certificate.validTo),
        ...line('  SHA-256', certificate.fingerprint256),
    ];
    const asked = names === undefined
        ? []
        : line('Asks for', names.length === 0 ? 'certificates of any CA: it names none' : nameList(names), LONGEST_LIST);
    return ['', 'Certificate of the server:', ...(facts ?? ['  (not seen)']), ...asked];
}
function nameList(names) {
    const shown = names.map((name) => (0,lib_text/* printable */.g$)(name, LONGEST_VALUE));
    return `certificates of ${listWithin(shown, LONGEST_LIST - 100, ' | ')}`;
}
function chainLines({ chain, anchor }) {
    if (chain.length === 0)
        return ['', 'Certificates sent: none'];
    const more = chain.length - ticket_MOST_CERTIFICATES;
    return [
        '',
        'Certificates as sent:',
        ...chain.slice(0, ticket_MOST_CERTIFICATES).flatMap(certificateLines),
        ...(more > 0 ? [`  and ${(0,lib_text/* count */.U9)(more, 'more certificate')}`] : []),
        ...line('Chains to', anchor ?? '(no root is at hand)'),
    ];
}
function certificateLines(certificate, index) {
    const { position, subject, issuer, serial, fingerprint256, notBefore, notAfter, names, purposes } = certificate;
    return [
        `  ${index + 1}. ${(0,lib_text/* printable */.g$)(position, 40)}`,
        ...line('  Subject', subject),
        ...line('  Issuer', issuer),
        ...line('  Serial', serial),
        ...line('  SHA-256', fingerprint256),
        ...line('  Valid', `${isoTime(notBefore) || '(unreadable)'} to ${isoTime(notAfter) || '(unreadable)'}`),
        ...line('  Names', names === '' ? '(none)' : names, 600),
        ...line('  Ext. key usage', purposes === undefined ? '(none: not limited)' : listWithin(purposes, LONGEST_VALUE)),
    ];
}
/** Each value is one quoted word: a URL or a host from an input can do nothing in the shell it is pasted into. */
function commandLines({ repositoryUrl, chain, proxy, ownCaBundle }) {
    const asked = repositoryUrl === undefined ? [] : askingLines(targetOf(repositoryUrl), proxy, ownCaBundle);
    const verified = chain.length === 0 ? [] : verifyingLines();
    const repeated = repositoryUrl === undefined ? [] : repeatingLines(repositoryUrl, chain.length > 0, proxy, ownCaBundle);
    return ['', 'To see it again (shell):', ...asked, ...verified, ...repeated];
}
function comment(text) {
    return `  # ${(0,lib_text/* clip */.$Q)(text, 200)}`;
}
function askingLines(target, proxy, ownCaBundle) {
    const { authority, serverName } = target;
    const words = [
        `openssl s_client -connect ${(0,lib_text/* shellWord */.r7)(authority)}`,
        serverName === undefined ? '-noservername' : `-servername ${(0,lib_text/* shellWord */.r7)(serverName)}`,
        ...proxyWords('-proxy', proxy && proxyAuthority(proxy)),
        ...(ownCaBundle ? [`-CAfile ${(0,lib_text/* shellWord */.r7)(SERVER_CA_FILE)}`] : []),
        '-showcerts </dev/null',
    ];
    const ca = ownCaBundle ? `; ${SERVER_CA_FILE}: the text of ca-bundle` : '';
    return [
        comment(`without a key: the server's certificates, and the CA names that it asks for${ca}`),
        `  ${words.join(' ')}`,
    ];
}
function verifyingLines() {
    const files = `-CAfile ${(0,lib_text/* shellWord */.r7)(CLIENT_CA_FILE)} -untrusted ${(0,lib_text/* shellWord */.r7)(CLIENT_FILE)} ${(0,lib_text/* shellWord */.r7)(CLIENT_FILE)}`;
    return [
        comment(`the chain as a server sees it; ${CLIENT_FILE}: certificates as sent, ${CLIENT_CA_FILE}: the server's CAs for clients`),
        `  openssl verify -purpose sslclient -show_chain ${files}`,
    ];
}
function repeatingLines(url, hasChain, proxy, ownCaBundle) {
    const words = [
        'curl --verbose --http1.1 --output /dev/null',
        ...(hasChain ? [`--cert ${(0,lib_text/* shellWord */.r7)(CLIENT_FILE)} --key ${(0,lib_text/* shellWord */.r7)(KEY_FILE)}`] : []),
        ...(ownCaBundle ? [`--cacert ${(0,lib_text/* shellWord */.r7)(SERVER_CA_FILE)}`] : []),
        ...proxyWords('--proxy', proxy),
        (0,lib_text/* shellWord */.r7)((0,lib_text/* shownUrl */.zA)(url)),
    ];
    const key = hasChain ? `; ${KEY_FILE}: the key, which GitHub gives to nobody: for its owner to run` : '';
    return [comment(`the same handshake, and a GET that changes nothing${key}`), `  ${words.join(' ')}`];
}
function proxyWords(option, proxy) {
    return proxy === undefined ? [] : [`${option} ${(0,lib_text/* shellWord */.r7)(proxy)}`];
}
/** `host:port` of a proxy's URL; undefined where OpenSSL cannot use it (TLS to the proxy itself). */
function proxyAuthority(proxy) {
    if (!URL.canParse(proxy))
        return undefined;
    const { protocol, hostname, port } = new URL(proxy);
    return protocol === 'http:' ? `${hostname}:${port || '80'}` : undefined;
}

;// CONCATENATED MODULE: ./lib/report/summary.js







/** GitHub drops a summary over 1 MiB whole; what other tools of the same step add has room as well. */
const LARGEST_SUMMARY = 900_000;
/** Warnings that stand behind the result, in the first line. */
const FIRST_WARNINGS = 3;
/**
 * The job summary as Markdown: the result and the first warnings in one line, what to do next, the block for the ticket,
 * the files (failures first), all problems and warnings, then certificate, server and run. Where it would pass `budget`
 * bytes, the picture goes first, then items of the lists are left out and a line says how many. What is never left out
 * needs 300,000 bytes at most.
 */
function summaryOf(report, budget = LARGEST_SUMMARY) {
    const start = [firstLine(report), ...nextSteps(report), ...ticketSection(report)];
    const end = [...serverSection(report), ...runSection(report)];
    let room = budget - bytesOf([...start, ...end]);
    // Each list may take its share of what the ones before have left; the table of files, last, takes the rest.
    const taken = (section, share) => {
        const blocks = cut(section, Math.floor(room / share), report);
        room -= bytesOf(blocks);
        return blocks;
    };
    const problems = taken(problemSection(report), 3);
    const warnings = taken(warningSection(report), 3);
    const certificates = taken(certificateSection(report), 3);
    const files = taken(fileSection(report), 1);
    const drawing = pictureSection(report);
    const picture = bytesOf(drawing) <= room ? drawing : [];
    return [...start, ...files, ...problems, ...warnings, ...picture, ...certificates, ...end].join('');
}
function bytesOf(blocks) {
    return blocks.reduce((sum, block) => sum + Buffer.byteLength(block), 0);
}
/** Bytes for the line that says what is left out. */
const MORE_BYTES = 1000;
function cut({ heading, items, noun }, room, { reportPath }) {
    if (items.length === 0)
        return [];
    const all = [heading, ...items, '\n'];
    if (bytesOf(all) <= room)
        return all;
    const kept = [heading];
    let bytes = Buffer.byteLength(heading) + MORE_BYTES;
    for (const item of items) {
        bytes += Buffer.byteLength(item);
        if (bytes > room)
            break;
        kept.push(item);
    }
    const where = reportPath === '' ? '' : `: all are in the report, ${(0,lib_text/* markdownCode */.D9)(reportPath, 100)}`;
    const shown = kept.length - 1;
    if (shown === 0)
        kept.pop();
    return [...kept, `\n${(0,lib_text/* count */.U9)(items.length - shown, `more ${noun}`)} left out here${where}.\n\n`];
}
function firstLine(report) {
    const { warnings } = report;
    const shown = warnings.slice(0, FIRST_WARNINGS).map((warning) => ` Warning: ${(0,lib_text/* markdownText */.p7)(finished(warning))}`);
    const more = warnings.length - shown.length;
    const rest = more > 0 ? ` ${(0,lib_text/* count */.U9)(more, 'more warning')} below.` : '';
    return `**${(0,lib_text/* markdownText */.p7)(finished(resultLine(report)))}**${shown.join('')}${rest}\n\n`;
}
function nextSteps(report) {
    const lines = closingOf(report).map(({ label, text, link }) => {
        return `- **${label}**: ${(0,lib_text/* markdownText */.p7)(text, 3000)}${link === '' ? '' : ` <${link}>`}\n`;
    });
    return lines.length === 0 ? [] : [...lines, '\n'];
}
/** Open in a dry run, which is made for it; a failed run has its sentences first. */
function ticketSection(report) {
    const lines = ticketOf(report);
    if (lines.length === 0)
        return [];
    const title = 'For a ticket to the team that runs the CA or the server';
    return [
        `<details${report.dryRun ? ' open' : ''}><summary>${title}</summary>\n\n`,
        (0,lib_text/* markdownBlock */.dI)(lines),
        '\n</details>\n\n',
    ];
}
function pictureSection(report) {
    const picture = pictureOf(report);
    return picture === '' ? [] : [`### Chain and server\n\n\`\`\`mermaid\n${picture}\`\`\`\n\n`];
}
function fileSection({ files }) {
    const heading = `### Files\n\n${row('File', 'Version', 'Size', 'Time', 'SHA-256', 'Outcome', 'Detail')}${row(...Array(7).fill('---'))}`;
    return { heading, items: failuresFirst(files).map(fileRow), noun: 'file' };
}
function row(...cells) {
    return `| ${cells.join(' | ')} |\n`;
}
function fileRow(result) {
    const { file, version, size, sha256, code, message, hint } = result;
    const { word } = statusOf(result);
    const outcome = isFailure(result) ? `**${word}**` : word;
    const why = (0,lib_text/* markdownText */.p7)(sentences(message, hint), 1500);
    const detail = code === undefined ? why : `${(0,lib_text/* markdownCode */.D9)(code)} ${why}`;
    const what = [(0,lib_text/* markdownCode */.D9)(file), (0,lib_text/* markdownText */.p7)(version), (0,lib_text/* formatBytes */.z3)(size), summary_timeOf(result), (0,lib_text/* markdownCode */.D9)(sha256)];
    return row(...what, outcome, detail);
}
/** `0.4 s`, `12.0 s in 3 tries`; `` where nothing was sent. */
function summary_timeOf({ attempts, milliseconds }) {
    if (attempts === 0)
        return '';
    return `${(milliseconds / 1000).toFixed(1)} s${attempts > 1 ? ` in ${attempts} tries` : ''}`;
}
function problemSection({ problems, run }) {
    const items = problems.map(({ code, message, hint }) => {
        const link = troubleshootingUrl(run, code);
        const name = link === '' ? (0,lib_text/* markdownCode */.D9)(code) : `[${(0,lib_text/* markdownCode */.D9)(code)}](<${link}>)`;
        return `- ${name} ${(0,lib_text/* markdownText */.p7)(sentences(message, hint), 3000)}\n`;
    });
    return { heading: '### Problems\n\n', items, noun: 'problem' };
}
/** Those that the first line did not take. */
function warningSection({ warnings }) {
    const items = warnings.slice(FIRST_WARNINGS).map((warning) => `- ${(0,lib_text/* markdownText */.p7)(finished(warning))}\n`);
    return { heading: '### More warnings\n\n', items, noun: 'warning' };
}
function certificateSection({ chain, certificateExpires, certificateDaysLeft }) {
    const sentence = endSentence(certificateExpires, certificateDaysLeft);
    const head = row('Position', 'Subject', 'Ends', 'Serial', 'SHA-256 fingerprint') + row(...Array(5).fill('---'));
    return {
        heading: `### Client certificate\n\n${sentence}${head}`,
        items: chain.map(certificateRow),
        noun: 'certificate',
    };
}
function endSentence(expires, daysLeft) {
    if (expires === undefined || daysLeft === undefined)
        return '';
    if (daysLeft < 0)
        return `The first of these ended on ${dateOf(expires)}.\n\n`;
    return `The first of these ends on ${dateOf(expires)}, in ${(0,lib_text/* count */.U9)(daysLeft, 'day')}.\n\n`;
}
function certificateRow({ position, subject, notAfter, serial, fingerprint256 }) {
    const [name, number, print] = [(0,lib_text/* markdownCode */.D9)(subject), (0,lib_text/* markdownCode */.D9)(serial), (0,lib_text/* markdownCode */.D9)(fingerprint256)];
    return row((0,lib_text/* markdownText */.p7)(position), name, dateOf(notAfter), number, print);
}
function dateOf(date) {
    return isoTime(date).slice(0, 10);
}
function serverSection({ handshake, server, proxy }) {
    const lines = [`- Handshake: ${handshake}\n`];
    if (server !== undefined) {
        const { protocol, cipher, remoteAddress, server: certificate } = server;
        lines.push(`- Connection: ${(0,lib_text/* markdownCode */.D9)(protocol)}, ${(0,lib_text/* markdownCode */.D9)(cipher)}, ${(0,lib_text/* markdownCode */.D9)(remoteAddress)}\n`, `- Certificate: ${(0,lib_text/* markdownCode */.D9)(certificate.subject)}, issued by ${(0,lib_text/* markdownCode */.D9)(certificate.issuer)}, ends ${(0,lib_text/* markdownCode */.D9)(certificate.validTo)}\n`, `- SHA-256 fingerprint: ${(0,lib_text/* markdownCode */.D9)(certificate.fingerprint256)}\n`);
    }
    if (proxy !== undefined)
        lines.push(`- Proxy: ${(0,lib_text/* markdownCode */.D9)(proxy)}\n`);
    return ['### Server\n\n', ...lines, '\n'];
}
function runSection({ run, startedAt, finishedAt, reportPath }) {
    const facts = [
        ['Repository', run.repository],
        ['Commit', run.commit],
        ['Ref', run.ref],
        ['Actor', run.actor],
        ['Workflow', run.workflow],
        ['Job', run.job],
        ['Run', run.runId],
        ['Attempt', run.runAttempt],
        ['Action version', run.actionVersion],
        ['Started', isoTime(startedAt)],
        ['Finished', isoTime(finishedAt)],
        ['Report', reportPath],
    ];
    const lines = facts.filter(([, value]) => value !== '').map(([name, value]) => `- ${name}: ${(0,lib_text/* markdownCode */.D9)(value)}\n`);
    return ['### Run\n\n', ...lines, '\n'];
}

;// CONCATENATED MODULE: ./lib/report/deliver.js









/** Tells the runner and the people how the run ended. One channel that fails (a full disk) does not silence the others. */
function deliver(finished, runner) {
    const reportPath = writeReport(finished, runner);
    const report = { ...finished, reportPath };
    for (const { kind, title, message } of annotationsOf(report))
        runner.annotate(kind, title, message);
    runner.log('Result', resultLine(report));
    for (const line of closingLines(report))
        runner.log('Next', line);
    try {
        for (const [name, value] of outputsOf(report))
            runner.setOutput(name, value);
        runner.writeSummary(summaryOf(report));
    }
    catch (error) {
        runner.log('Report', `outputs or summary could not be written (${(0,lib_errors/* errorCodeOf */.D9)(error) ?? 'unknown error'})`);
    }
}
/** The path of the JSON report; `''` where it could not be written. */
function writeReport(report, runner) {
    const name = `publish-python-mtls-report-${report.startedAt.getTime()}-${process.pid}.json`;
    const file = external_node_path_.join(runner.facts.temp, name);
    let descriptor;
    try {
        // Exclusive: nobody's link is followed in a directory that other steps write to.
        descriptor = (0,external_node_fs_.openSync)(file, external_node_fs_.constants.O_WRONLY | external_node_fs_.constants.O_CREAT | external_node_fs_.constants.O_EXCL | (external_node_fs_.constants.O_NOFOLLOW ?? 0), 0o644);
        (0,external_node_fs_.writeFileSync)(descriptor, jsonReport({ ...report, reportPath: file }));
        return file;
    }
    catch (error) {
        runner.log('Report', `the JSON report could not be written (${(0,lib_errors/* errorCodeOf */.D9)(error) ?? 'unknown error'})`);
        return '';
    }
    finally {
        if (descriptor !== undefined)
            (0,external_node_fs_.closeSync)(descriptor);
    }
}

;// CONCATENATED MODULE: ./lib/report/progress-meter.js

/** Milliseconds without a byte after which a file is told of. */
const STALLED_AFTER = 20_000;
/** How far a run's uploads are, for lines in the log. Times are those of `performance.now()`, in milliseconds. */
class ProgressMeter {
    #startedAt;
    #onTheirWay = new Map();
    #files = 0;
    #bytes = 0;
    #ended = 0;
    #sent = 0;
    constructor(startedAt) {
        this.#startedAt = startedAt;
    }
    /** What is to be sent in all. */
    expect(distributions) {
        this.#files = distributions.length;
        this.#bytes = distributions.reduce((sum, { size }) => sum + size, 0);
    }
    /** Bytes of a file went out. What a second try sends anew counts once. */
    sent(distribution, bytes, now) {
        const one = this.#onTheirWay.get(distribution) ?? { sent: 0, movedAt: now, told: false };
        this.#onTheirWay.set(distribution, { sent: one.sent + bytes, movedAt: now, told: false });
    }
    ended(distribution) {
        this.#onTheirWay.delete(distribution);
        this.#ended += 1;
        this.#sent += distribution.size;
    }
    /** What there is to say now: one line of the run, and one for each file that stands still. */
    lines(now) {
        if (this.#files === 0)
            return [];
        if (this.#ended === this.#files)
            return ['everything is sent; waiting for the index to list it'];
        const stalled = [...this.#onTheirWay].filter(([, { movedAt, told }]) => !told && now - movedAt >= STALLED_AFTER);
        for (const [, one] of stalled)
            one.told = true;
        return [this.#line(now), ...stalled.map(([{ file, size }, one]) => stallLine(file, size, one, now))];
    }
    #line(now) {
        const under = [...this.#onTheirWay].map(([{ size }, { sent }]) => Math.min(size, sent));
        const sent = Math.min(this.#bytes, under.reduce((sum, bytes) => sum + bytes, this.#sent));
        const seconds = (now - this.#startedAt) / 1000;
        const rate = seconds > 0 ? sent / seconds : 0;
        const parts = [
            `${this.#ended} of ${(0,lib_text/* count */.U9)(this.#files, 'file')}`,
            `${(0,lib_text/* formatBytes */.z3)(sent)} of ${(0,lib_text/* formatBytes */.z3)(this.#bytes)}`,
            ...(rate > 0 ? [`${(0,lib_text/* formatBytes */.z3)(Math.round(rate))}/s`, timeLeft((this.#bytes - sent) / rate)] : []),
        ];
        return parts.join(', ');
    }
}
function stallLine(file, size, { sent, movedAt }, now) {
    const seconds = Math.round((now - movedAt) / 1000);
    return sent < size
        ? `${file}: nothing moved for ${seconds} s, after ${(0,lib_text/* formatBytes */.z3)(sent)} of ${(0,lib_text/* formatBytes */.z3)(size)}`
        : `${file}: everything was sent, and the index has not answered for ${seconds} s`;
}
function timeLeft(seconds) {
    if (seconds < 90)
        return `about ${Math.ceil(seconds)} s left`;
    return seconds < 5400 ? `about ${Math.round(seconds / 60)} min left` : `about ${Math.round(seconds / 3600)} h left`;
}

;// CONCATENATED MODULE: ./lib/credentials/basic.js
/**
 * Value of the Authorization header (RFC 7617, UTF-8). It becomes a secret here: a front that echoes its request must
 * not bring it into a log.
 */
function basicAuthorization({ user, password }, secrets) {
    const token = Buffer.from(`${user}:${password}`, 'utf8').toString('base64');
    secrets.add(token);
    return `Basic ${token}`;
}

;// CONCATENATED MODULE: ./lib/distributions/downloaded-file.js






/**
 * Puts bytes that come over the network into a private temporary file, and runs `use` with it. The file is made
 * exclusively with mode 0600, and its name is taken away before the first byte is written: nobody else can open it, and
 * nothing stays behind, even when this process is killed. Where the system keeps the name of an open file (some versions
 * of Windows) it goes at the end.
 *
 * Resolves to undefined, without `use`, when `fill` says that its bytes are of no use.
 *
 * @throws PublishError E_DIST_FILE when the directory takes no file; whatever `fill` and `use` throw
 */
async function withDownloaded(fill, { directory, shownName }, use) {
    const name = external_node_path_.join(directory, `publish-python-mtls-${(0,external_node_crypto_.randomUUID)()}`);
    // Exclusive, which follows no link: what is there already was put there by somebody else.
    const flags = external_node_fs_.constants.O_RDWR | external_node_fs_.constants.O_CREAT | external_node_fs_.constants.O_EXCL;
    const descriptor = storing(shownName, () => (0,external_node_fs_.openSync)(name, flags, 0o600));
    const isGone = remove(name);
    let file;
    try {
        if (!(await fill((chunk) => store(chunk, descriptor, shownName))))
            return undefined;
        file = OpenFile.adopt(descriptor, shownName);
        return await use(file);
    }
    finally {
        if (file === undefined)
            (0,external_node_fs_.closeSync)(descriptor);
        else
            file.close();
        if (!isGone)
            remove(name);
    }
}
function store(chunk, descriptor, shownName) {
    storing(shownName, () => {
        for (let at = 0; at < chunk.length;)
            at += (0,external_node_fs_.writeSync)(descriptor, chunk, at);
    });
}
/** Whether the name is gone. */
function remove(name) {
    try {
        (0,external_node_fs_.unlinkSync)(name);
        return true;
    }
    catch {
        return false;
    }
}
/** Runs one system call; its failure becomes a sentence. */
function storing(shownName, call) {
    try {
        return call();
    }
    catch (error) {
        throw new lib_errors/* PublishError */.S1({
            code: 'E_DIST_FILE',
            message: `${(0,lib_text/* printable */.g$)(shownName)} cannot be kept in the runner's temporary directory (${(0,lib_errors/* errorCodeOf */.D9)(error) ?? 'unknown error'})`,
            hint: 'Check that the directory has room and that the runner may write to it.',
            cause: error,
        });
    }
}

// EXTERNAL MODULE: ./lib/package-index/index-file.js
var index_file = __nccwpck_require__(4080);
;// CONCATENATED MODULE: ./lib/difference.js




/** Milliseconds for one explanation: the index's bytes decide how much work it is. */
const COMPARE_TIME = 20_000;
/** Bytes by which the index's file may be larger than twice ours and still be fetched. */
const ROOM = 64 * 1024;
/**
 * How the index's file differs from ours, as the end of a sentence: fetched within the run's limit and a time of its own,
 * then compared member by member. `''` where that cannot be known: it only explains.
 *
 * @throws the signal's reason
 */
async function difference_differenceOf({ file, kind, size, content }, url, { reader, download, temp }, signal) {
    const limit = size * 2 + ROOM;
    const time = AbortSignal.timeout(COMPARE_TIME);
    const ends = AbortSignal.any([signal, time]);
    if (!download.reserve(limit))
        return '';
    let fetched = 0;
    const fill = async (write) => {
        const { complete, encoded } = await (0,index_file/* fetchIndexFile */.t)(url, limit, reader, ends, (chunk) => {
            fetched += chunk.length;
            write(chunk);
        });
        return complete && !encoded;
    };
    try {
        const options = { directory: temp, shownName: "the index's file" };
        // Loaded here alone: most runs meet no conflict.
        const { describeDifference } = await __nccwpck_require__.e(/* import() */ 260).then(__nccwpck_require__.bind(__nccwpck_require__, 260));
        const use = (theirs) => describeDifference(content, theirs, kind, file, ends);
        return (await withDownloaded(fill, options, use)) ?? '';
    }
    catch (error) {
        // It only explains: a conflict is one without it.
        signal.throwIfAborted();
        if (time.aborted || error instanceof simple_index/* LookupFailure */.B || error instanceof lib_errors/* PublishError */.S1)
            return '';
        throw error;
    }
    finally {
        download.giveBack(limit - fetched);
    }
}

;// CONCATENATED MODULE: ./lib/package-index/pace.js
/** Milliseconds. */
const pace_LONGEST_PAUSE = 30_000;
/**
 * How fast one server is asked, by all requests of one kind together: a lookup that succeeds says nothing about uploads. A failure that may pass pauses all of them, for a time chosen
 * at random from a range that doubles (full jitter), or for as long as the server asks. After a pause one request goes
 * first, the one that waited longest; the others follow when it succeeds. So a server in trouble gets one request at a
 * time, and not each file's tries at once.
 */
class Pace {
    #options;
    #queue = [];
    #failures = 0;
    #pauses = 0;
    #pause;
    #first;
    #timer;
    constructor(options) {
        this.#options = options;
        this.#pause = options.pause ?? { until: 0 };
    }
    /** Waits until a request may begin. Each turn ends with `answered`, `failed` or `left`. Rejects with the signal's reason. */
    async turn(signal) {
        signal.throwIfAborted();
        if (this.#failures === 0 && this.#pause.until <= performance.now())
            return { pauses: this.#pauses };
        const { promise, resolve, reject } = Promise.withResolvers();
        const waiter = { resolve };
        const cancel = () => {
            const place = this.#queue.indexOf(waiter);
            if (place >= 0)
                this.#queue.splice(place, 1);
            if (this.#queue.length === 0)
                clearTimeout(this.#timer);
            reject(signal.reason);
        };
        this.#queue.push(waiter);
        signal.addEventListener('abort', cancel, { once: true });
        this.#release();
        try {
            return await promise;
        }
        finally {
            signal.removeEventListener('abort', cancel);
        }
    }
    /** The server is well, whatever it said; what began before the last failure says nothing about the time since. */
    answered(turn) {
        if (turn.pauses === this.#pauses)
            this.#failures = 0;
        this.left(turn);
    }
    /** The request came to an end that says nothing about the server. */
    left(turn) {
        if (this.#first === turn)
            this.#first = undefined;
        this.#release();
    }
    /**
     * The server was busy, or the connection died. `afterMs`: not before, as the server asks.
     *
     * @returns whether another try is worth while
     */
    failed(turn, afterMs) {
        const now = performance.now();
        // Requests that were under way together fail together: they count once.
        if (turn.pauses === this.#pauses) {
            this.#pauses += 1;
            this.#failures += 1;
            this.#pause.until = now + (this.isOver ? 0 : (afterMs ?? pauseAfter(this.#failures, this.#options)));
        }
        else if (afterMs !== undefined && !this.isOver) {
            this.#pause.until = Math.max(this.#pause.until, now + afterMs);
        }
        this.left(turn);
        return !this.isOver;
    }
    /** There were so many failures in a row that nobody should try anything a second time. */
    get isOver() {
        return this.#failures > this.#options.retries;
    }
    #release() {
        clearTimeout(this.#timer);
        if (this.#queue.length === 0)
            return;
        const wait = this.#pause.until - performance.now();
        if (wait > 0)
            this.#timer = setTimeout(() => this.#release(), Math.ceil(wait));
        else if (this.#failures === 0)
            for (const { resolve } of this.#queue.splice(0))
                resolve({ pauses: this.#pauses });
        else if (this.#first === undefined) {
            this.#first = { pauses: this.#pauses };
            this.#queue.shift()?.resolve(this.#first);
        }
    }
}
/** Milliseconds: a random part ("full jitter") of a time that doubles with each failure in a row, up to LONGEST_PAUSE. */
function pauseAfter(failures, { firstPauseMs, random }) {
    return random() * Math.min(pace_LONGEST_PAUSE, firstPauseMs * 2 ** (failures - 1));
}

;// CONCATENATED MODULE: ./lib/transport/handshake.js


function newAttempt() {
    return {
        stage: 'connect',
        remoteAddress: '',
        protocol: '',
        asked: false,
        keysAgreed: false,
        early: false,
        certificates: [],
        facts: undefined,
    };
}
/** A connection that was never handed over: nothing of a request was sent on it. */
class ConnectionFailure extends lib_errors/* PublishError */.S1 {
    handshake;
    facts;
    /** What is known without a handshake that came to its end. */
    seen;
    /** Number of the alert with which the server ended it. */
    alert;
    constructor(details, attempt, alert) {
        super(details);
        this.alert = alert;
        this.handshake = handshakeOf(details.code, attempt);
        // It may have asked after the facts were read.
        this.facts = attempt.facts && { ...attempt.facts, asked: attempt.asked };
        this.seen = this.facts ?? seenIn(attempt);
    }
}
function seenIn({ remoteAddress, protocol, certificates }) {
    return {
        ...(remoteAddress !== '' && { remoteAddress: (0,lib_text/* printable */.g$)(remoteAddress) }),
        ...(protocol !== '' && { protocol: (0,lib_text/* printable */.g$)(protocol) }),
        ...(certificates.length > 0 && { server: serverFacts(certificates) }),
    };
}
function handshakeOf(code, { stage, facts }) {
    if (code === 'E_TLS_CLIENT_NOT_ASKED')
        return 'not-asked';
    if (code === 'E_TLS_INSPECTED' && facts !== undefined)
        return 'not-asked';
    if (code.startsWith('E_TLS_CLIENT_'))
        return 'refused';
    return stage === 'connect' || stage === 'proxy' ? 'not-tried' : 'failed';
}
/** Certificates of a chain that are looked at: real ones have two to five. */
const handshake_MOST_CERTIFICATES = 16;
/** The certificates that the server sent, its own first. */
function sentCertificates(socket) {
    const chain = [];
    let next = socket.getPeerX509Certificate();
    while (next !== undefined && chain.length < handshake_MOST_CERTIFICATES) {
        chain.push(next);
        next = next.issuerCertificate;
    }
    return chain;
}
/** Facts of a connection that stands. */
function readFacts(socket, { remoteAddress, asked, certificates }) {
    return {
        protocol: (0,lib_text/* printable */.g$)(socket.getProtocol() ?? ''),
        cipher: (0,lib_text/* printable */.g$)(socket.getCipher()?.standardName ?? ''),
        remoteAddress: (0,lib_text/* printable */.g$)(remoteAddress),
        asked,
        server: serverFacts(certificates),
    };
}
function serverFacts([own]) {
    return {
        subject: own === undefined ? '' : (0,lib_text/* subjectOf */.et)(own),
        issuer: own === undefined ? '' : (0,lib_text/* issuerOf */.xD)(own),
        fingerprint256: own?.fingerprint256 ?? '',
        validTo: isoDate(own?.validToDate),
    };
}
function isoDate(date) {
    return date === undefined || Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

;// CONCATENATED MODULE: ./lib/transport/gate.js
/** The connection ended, and nothing said why. */
class ClosedEarly extends Error {
    code = 'CLOSED_EARLY';
    constructor() {
        super('the connection was closed');
        this.name = 'ClosedEarly';
    }
}
/**
 * Resolves after the event, in a turn of its own: a TLS socket emits some events while OpenSSL is still inside its read
 * function, and whoever writes to it or destroys it there corrupts the stream or brings down the process. Rejects with
 * the socket's error, with ClosedEarly, or with the signal's reason.
 */
async function reach(socket, event, signal) {
    signal.throwIfAborted();
    if (socket.destroyed)
        throw socket.errored ?? new ClosedEarly();
    const { promise, resolve, reject } = Promise.withResolvers();
    const reached = () => setImmediate(resolve);
    const closed = () => reject(new ClosedEarly());
    const aborted = () => reject(signal.reason);
    socket.on(event, reached).on('error', reject).on('close', closed);
    signal.addEventListener('abort', aborted);
    try {
        await promise;
    }
    finally {
        socket.off(event, reached).off('error', reject).off('close', closed);
        signal.removeEventListener('abort', aborted);
    }
}
/** Milliseconds. Of all servers that were measured one alone sends no ticket; it costs that much once a connection. */
const GATE_TIME = 1000;
/**
 * What the server says once it is through with the handshake: resolves with its first session ticket, rejects with its
 * alert, or with ClosedEarly. To be made before the handshake, since all of that can come in the turn in which it ends.
 */
function lastWord(socket) {
    const { promise, resolve, reject } = Promise.withResolvers();
    socket
        .once('session', () => setImmediate(resolve))
        .on('error', reject)
        .on('close', () => reject(new ClosedEarly()));
    // A handshake that fails is told by `reach`, and this promise then has nobody who waits.
    promise.catch(() => { });
    return promise;
}
/**
 * In TLS 1.3 the client is done before the server has looked at the client's certificate (RFC 8446, 4.4). The refusal
 * comes later, and an HTTP client that has begun to write by then sees a broken pipe and loses the alert that names the
 * cause. A session ticket comes only when the server is content. In TLS 1.2 the handshake itself ends with its word.
 *
 * Resolves when the connection can be handed over: the ticket came, or nothing did for GATE_TIME or until `ends` was
 * aborted. Rejects as `word` does.
 */
async function passGate(socket, word, ends) {
    if (socket.getProtocol() === 'TLSv1.3')
        await Promise.race([word, silence(ends)]);
    if (!isOpen(socket))
        throw socket.errored ?? new ClosedEarly();
}
/** Resolves after GATE_TIME, or at once when the signal is aborted. */
async function silence(ends) {
    const { promise, resolve } = Promise.withResolvers();
    const timer = setTimeout(resolve, GATE_TIME).unref();
    ends.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
}
/** Whether a request could still be sent and answered. */
function isOpen(socket) {
    return !socket.destroyed && !socket.readableEnded && socket.writable;
}

;// CONCATENATED MODULE: ./lib/transport/trust.js

/**
 * `ca-bundle` as TLS takes it. A bundle is the whole statement of trust: nothing that the environment names is added to
 * it, and an issuing CA or the server's own certificate in it is trusted as it stands. `system`: Node's own roots, what
 * NODE_EXTRA_CA_CERTS adds to them, and the operating system's store.
 */
function trustOf(bundle) {
    if (bundle === 'system') {
        const ca = systemAuthorities();
        return { ca, partial: false, source: 'system', added: (0,external_node_tls_.getCACertificates)('extra').length };
    }
    return { ca: bundle.map((one) => one.toString()), partial: true, source: 'ca-bundle', added: 0 };
}
/** What `ca-bundle: system` trusts, PEM each. Reading the system's store may take tens of milliseconds. */
function systemAuthorities() {
    return [...new Set([...(0,external_node_tls_.getCACertificates)('default'), ...(0,external_node_tls_.getCACertificates)('system')])];
}

;// CONCATENATED MODULE: ./lib/transport/http-head.js

/** Bytes of an answer's head, up to the empty line. */
const MOST_BYTES = 64 * 1024;
/**
 * The head of an HTTP/1 answer, status line and headers with the empty line; what follows it goes back into the socket.
 * Undefined: it is longer than 64 KiB. Rejects with the socket's error, ClosedEarly or the signal's reason.
 */
async function readHead(socket, signal) {
    let received = Buffer.alloc(0);
    while (received.length <= MOST_BYTES) {
        const chunk = socket.read();
        if (chunk === null) {
            await reach(socket, 'readable', signal);
            continue;
        }
        received = Buffer.concat([received, chunk]);
        const end = received.indexOf('\r\n\r\n');
        if (end < 0)
            continue;
        const rest = received.subarray(end + 4);
        if (rest.length > 0)
            socket.unshift(rest);
        return received.toString('latin1', 0, end + 4);
    }
    return undefined;
}

;// CONCATENATED MODULE: ./lib/transport/tunnel.js



/** Characters of a proxy's reason phrase in a sentence. */
const LONGEST_REASON = 200;
/**
 * Asks a proxy for a tunnel (CONNECT, RFC 9110, 9.3.6) on a socket to it; after that the socket leads to the server.
 * E_PROXY_REFUSED (E_PROXY_GATEWAY: it cannot reach the server) with the proxy's words when its answer is no, cannot be read, or is longer than 64 KiB. Rejects with
 * the socket's error or the signal's reason.
 */
async function openTunnel(socket, request, signal) {
    const { authority, proxy, secrets } = request;
    const authorization = proxyAuthorization(proxy, secrets);
    const credentials = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
    const head = await readHead(socket, signal);
    if (head === undefined)
        throw tunnel_refused(request, 'answered CONNECT with a head of more than 64 KiB', undefined);
    const [, status = '', reason = ''] = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(head) ?? [];
    if (status === '')
        throw tunnel_refused(request, 'answered CONNECT with something that is not HTTP', undefined);
    if (status.startsWith('2'))
        return;
    const words = (0,lib_text/* printable */.g$)((0,lib_text/* redact */.E$)(reason, secrets), LONGEST_REASON);
    throw tunnel_refused(request, `answered CONNECT ${authority} with ${`${status} ${words}`.trim()}`, status);
}
/** A front that echoes the header must not bring it into a log: it becomes a secret, its password too. */
function proxyAuthorization(proxy, secrets) {
    if (proxy.username === '' && proxy.password === '')
        return undefined;
    const password = decodeURIComponent(proxy.password);
    const token = Buffer.from(`${decodeURIComponent(proxy.username)}:${password}`, 'utf8').toString('base64');
    secrets.add(password);
    secrets.add(token);
    return `Basic ${token}`;
}
function tunnel_refused({ proxy }, message, status) {
    const details = {
        code: isGateway(status) ? 'E_PROXY_GATEWAY' : 'E_PROXY_REFUSED',
        message: `the proxy ${(0,lib_text/* printable */.g$)(proxy.host)} ${message}`,
        hint: status === undefined ? 'Check https_proxy: does it lead to a proxy?' : tunnel_hintFor(status, proxy),
    };
    return new lib_errors/* PublishError */.S1(details);
}
/** The proxy lets the host pass, but does not reach it. */
function isGateway(status) {
    return status !== undefined && ['502', '503', '504'].includes(status);
}
function tunnel_hintFor(status, proxy) {
    if (isGateway(status)) {
        return 'The proxy could not reach the server: check the host in repository-url, or name it in no_proxy if it is reached directly.';
    }
    if (status !== '407') {
        return 'Ask the team that runs the proxy to let this host and port through, or name the host in no_proxy if it is reached directly.';
    }
    return proxy.username === ''
        ? 'The proxy asks for a user and a password: put them into https_proxy (http://user:password@host:port), percent-encoded.'
        : 'The proxy does not take the user and the password in https_proxy: check both, and that they are percent-encoded. Only Basic is spoken here.';
}

;// CONCATENATED MODULE: ./lib/transport/route.js






/** Milliseconds for one address of a name. Node's own 250 are fewer than a distant server needs. */
const ADDRESS_TIME = 5_000;
/** Milliseconds after which an idle connection is probed by TCP, so that firewalls keep it. */
const KEEP_ALIVE_TIME = 60_000;
/**
 * A TCP connection to the server, or a tunnel through the proxy. Every socket on the way is put into `sockets`, the
 * outermost last.
 */
async function openRoute({ url, proxy, secrets, idleTimeoutMs }, attempt, sockets, signal) {
    const { hostname, port } = proxy ?? url;
    if (proxy !== undefined)
        attempt.stage = 'proxy';
    const tcp = (0,external_node_net_.connect)({
        host: plainHost(hostname),
        port: Number(port || (proxy?.protocol === 'http:' ? 80 : 443)),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: Math.min(ADDRESS_TIME, Math.ceil(idleTimeoutMs / 3)),
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_TIME,
    });
    keep(tcp, sockets);
    await reach(tcp, 'connect', signal);
    attempt.remoteAddress = tcp.remoteAddress ?? '';
    if (proxy === undefined)
        return tcp;
    const path = proxy.protocol === 'https:' ? await secureProxy(tcp, proxy, sockets, signal) : tcp;
    await openTunnel(path, { authority: route_authorityOf(url), proxy, secrets }, signal);
    return path;
}
/** TLS to the proxy itself: with the system's trust, and never with the client certificate. */
async function secureProxy(tcp, proxy, sockets, signal) {
    const socket = (0,external_node_tls_.connect)({
        socket: tcp,
        ...serverName(plainHost(proxy.hostname)),
        ca: [...systemAuthorities()],
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: true,
    });
    keep(socket, sockets);
    await reach(socket, 'secureConnect', signal);
    return socket;
}
/** `host:port`, the port always there. */
function route_authorityOf(url) {
    return `${url.hostname}:${url.port === '' ? '443' : url.port}`;
}
/** Server name indication knows no addresses (RFC 6066, 3); then `host` is what the certificate is compared with. */
function serverName(host) {
    return (0,external_node_net_.isIP)(host) === 0 ? { host, servername: host } : { host };
}
/** Whoever waits for a socket hears of its error; one that comes when nobody waits must not end the process. */
function keep(socket, sockets) {
    socket.on('error', () => { });
    sockets.push(socket);
}

;// CONCATENATED MODULE: ./lib/transport/accepted-authorities.js






/** Where systems have it; never PATH, which a job can change. */
const PROGRAMS = ['/usr/bin/openssl', '/bin/openssl'];
const TIME = 10_000;
/** Bytes of the program's output: 1,000 names of usual length. */
const accepted_authorities_MOST_BYTES = 256 * 1024;
/** Short names, and everything that is special escaped (RFC 2253), so that a comma ends a part: as Node writes names. */
const NAME_FORM = 'esc_2253,esc_ctrl,utf8,sep_comma_plus,sname';
/**
 * Node does not tell which CAs a server names, the `openssl` program does. It only explains: without it, and whatever
 * fails on the way, the answer is undefined. It gets no certificate, no key and no secret.
 */
function createAuthorityQuestion(options, chain, means = { programs: PROGRAMS, time: TIME }) {
    let asked;
    let answer;
    const ask = async (signal) => {
        const output = await connectWithOpenSsl(options, means, signal);
        const lines = output === undefined ? undefined : readNames((0,lib_text/* redact */.E$)(output, options.secrets));
        const issuers = new Set(chain.map(({ issuer }) => oneLine(issuer)));
        const ours = lines?.find((line) => issuers.has(line));
        answer = lines && { names: lines.map(accepted_authorities_shownName), ours: ours === undefined ? undefined : accepted_authorities_shownName(ours) };
        return answer;
    };
    return {
        ask(signal) {
            asked ??= ask(signal);
            return asked;
        },
        get answer() {
            return answer;
        },
    };
}
/** What `openssl s_client` printed; undefined without the program, or when it could not be run to its end in time. */
async function connectWithOpenSsl(options, { programs, time }, signal) {
    const program = process.platform === 'win32' ? undefined : programs.find((path) => (0,external_node_fs_.existsSync)(path));
    if (program === undefined)
        return undefined;
    const end = new AbortController();
    const limit = AbortSignal.any([signal, end.signal, AbortSignal.timeout(time)]);
    try {
        const port = await startRelay(options, limit);
        return await Promise.race([run(program, argumentsFor(options, port), end), aborted(limit)]);
    }
    catch {
        return undefined;
    }
    finally {
        end.abort();
    }
}
async function run(program, args, end) {
    const chunks = [];
    let received = 0;
    // Loaded here alone: most runs never ask.
    const { exec } = await __nccwpck_require__.e(/* import() */ 814).then(__nccwpck_require__.bind(__nccwpck_require__, 7814));
    await exec(program, args, {
        // Nothing of the job's environment, which can name engines, configuration and libraries.
        env: { OPENSSL_CONF: '/dev/null', LC_ALL: 'C' },
        cwd: '/',
        silent: true,
        ignoreReturnCode: true,
        // The end of its input: it ends when the handshake is over.
        input: Buffer.alloc(0),
        listeners: {
            stdout(chunk) {
                received += chunk.length;
                if (received > accepted_authorities_MOST_BYTES)
                    end.abort();
                else
                    chunks.push(chunk);
            },
        },
    });
    return received > accepted_authorities_MOST_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}
async function aborted(signal) {
    if (signal.aborted)
        return;
    const { promise, resolve } = Promise.withResolvers();
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
}
function argumentsFor({ url, tlsMinVersion, tlsMaxVersion }, port) {
    const host = plainHost(url.hostname);
    const version = tlsMaxVersion === 'TLSv1.2' ? ['-tls1_2'] : tlsMinVersion === 'TLSv1.3' ? ['-tls1_3'] : [];
    const name = (0,external_node_net_.isIP)(host) === 0 ? ['-servername', host] : ['-noservername'];
    return ['s_client', '-connect', `127.0.0.1:${port}`, ...name, ...version, '-alpn', 'http/1.1', '-nameopt', NAME_FORM];
}
/**
 * A port of the loopback interface from which one connection is led the way that ours go, through the proxy too. So the
 * program needs no proxy's password, and it ends with its connection, when `limit` is aborted at the latest.
 */
async function startRelay(options, limit) {
    const sockets = [];
    const server = (0,external_node_net_.createServer)((local) => {
        server.close();
        local.on('error', () => { });
        relay(local, options, sockets, limit).catch(() => local.destroy());
    });
    limit.addEventListener('abort', () => {
        server.close();
        for (const socket of sockets.toReversed())
            socket.destroy();
    });
    const { promise, resolve, reject } = Promise.withResolvers();
    server.on('error', reject).listen(0, '127.0.0.1', () => resolve(server.address()));
    const address = await promise;
    limit.throwIfAborted();
    if (address === null || typeof address === 'string')
        throw new Error('the relay has no TCP port');
    return address.port;
}
async function relay(local, options, sockets, limit) {
    sockets.push(local);
    const remote = await openRoute(options, newAttempt(), sockets, limit);
    local.on('close', () => remote.destroy());
    remote.on('close', () => local.destroy());
    local.pipe(remote).pipe(local);
}
const BEGIN = 'Acceptable client certificate CA names';
const NONE = 'No client certificate CA names sent';
/** What follows the names, in any version. */
const END = /^(---|Client Certificate Types:|Requested Signature Algorithms:|Shared Requested|Peer sign|Server Temp Key)/;
/** A line for each name; undefined when the program did not get as far. */
function readNames(output) {
    const lines = output.split(/\r?\n/);
    const begin = lines.indexOf(BEGIN);
    if (begin < 0)
        return lines.includes(NONE) ? [] : undefined;
    const names = lines.slice(begin + 1);
    const end = names.findIndex((line) => END.test(line));
    return names.slice(0, end < 0 ? undefined : end).filter((line) => line !== '');
}
/** Node's form of a name, one part a line, in the program's: `O=Example,CN=Issuing CA`. */
function oneLine(name) {
    return name
        .split('\n')
        .map((part) => part.replaceAll(' + ', '+'))
        .join(',');
}
function accepted_authorities_shownName(line) {
    return (0,lib_text/* subjectOf */.et)({ subject: line.replace(/(?<!\\),/g, '\n') });
}

;// CONCATENATED MODULE: ./lib/transport/inspection.js

/** Names that products which break TLS open put into their CAs, and what companies call such CAs. */
const INSPECTORS = /zscaler|netskope|goskope|palo alto|fortinet|fortigate|forcepoint|websense|blue ?coat|mcafee web|skyhigh|umbrella|sophos|check ?point|barracuda|watchguard|sonicwall|menlo security|iboss|(?:ssl|tls|https|traffic)[ -]?(?:inspect|intercept|decrypt|proxy)|\bdecryption\b|mitmproxy/i;
/**
 * E_TLS_INSPECTED where the server's certificate was made by something on the way that breaks TLS open; undefined where
 * no name says so. Behind it the server would never see the client certificate.
 */
function inspected(certificates, target) {
    const [own] = certificates;
    const culprit = certificates.find(({ issuer }) => INSPECTORS.test(issuer));
    if (own === undefined || culprit === undefined)
        return undefined;
    return {
        code: 'E_TLS_INSPECTED',
        message: `a proxy between this runner and ${target} seems to break TLS open: the certificate shown (${(0,lib_text/* subjectOf */.et)(own)}) comes from ${(0,lib_text/* issuerOf */.xD)(culprit)}`,
        hint: 'A client certificate cannot pass such a proxy: ask the team that runs it to except this host from inspection. To trust its CA would not help.',
    };
}

;// CONCATENATED MODULE: ./lib/transport/voucher.js





/** Bytes of a file of CAs: the largest that systems ship have half a megabyte. */
const LARGEST_FILE = 4 * 1024 * 1024;
/** Certificates of a path: real ones have two to five. */
const LONGEST_PATH = 16;
/**
 * Who else would vouch for a chain that `ca-bundle` does not: the system, or a file that other tools on this machine are
 * pointed at. For a sentence that says what to write, never for trust: nothing is connected again.
 */
function findVoucher(chain, { trust, trustHints, now }) {
    const reaches = (pems) => leadsTo(chain, readAll(pems), now());
    const hasBundle = trust.source === 'ca-bundle';
    if (hasBundle && reaches((0,external_node_tls_.getCACertificates)('bundled'))) {
        return 'It has a public CA: write `ca-bundle: system` if that is meant.';
    }
    // Before the system, which reads some of these files too: the file is the narrower trust.
    const file = trustHints.find((path) => reaches(readFile(path)));
    if (file !== undefined) {
        return `Other tools on this runner trust it by ${(0,lib_text/* printable */.g$)(file)}: write \`ca-bundle: ${(0,lib_text/* printable */.g$)(file)}\` if that is meant.`;
    }
    if (!hasBundle || !reaches(systemAuthorities()))
        return undefined;
    return 'This system trusts its CA: write `ca-bundle: system` if that is meant.';
}
/** Whether `ca-bundle` or the system has a CA of the name that the topmost certificate names as its issuer. */
function holdsNamesake(top, { trust }) {
    return readAll(trust.ca).some(({ subject }) => subject === top.issuer);
}
function readFile(path) {
    try {
        const { size } = (0,external_node_fs_.statSync)(path);
        // A pipe or a device would never end.
        if (!(0,external_node_fs_.statSync)(path).isFile() || size > LARGEST_FILE)
            return [];
        const blocks = /-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]+-----END (TRUSTED )?CERTIFICATE-----/g;
        return (0,external_node_fs_.readFileSync)(path, 'latin1').match(blocks) ?? [];
    }
    catch {
        // Whatever else the variable names: there is nothing to suggest.
        return [];
    }
}
function readAll(pems) {
    return pems.flatMap((pem) => {
        try {
            return [new external_node_crypto_.X509Certificate(pem)];
        }
        catch {
            return [];
        }
    });
}
/** Whether the server's own certificate leads, signature by signature, to an anchor that is valid now. */
function leadsTo(chain, anchors, now) {
    let [current] = chain;
    for (let length = 0; current !== undefined && length < LONGEST_PATH; length += 1) {
        const lower = current;
        const anchor = anchors.find((one) => one.fingerprint256 === lower.fingerprint256 || isIssuedBy(lower, one));
        if (anchor !== undefined)
            return anchor.validFromDate <= now && now <= anchor.validToDate;
        current = chain.find((candidate) => candidate !== lower && isIssuedBy(lower, candidate));
    }
    return false;
}
function isIssuedBy(lower, upper) {
    if (lower.issuer !== upper.subject)
        return false;
    try {
        return lower.checkIssued(upper) && lower.verify(upper.publicKey);
    }
    catch {
        // A key of a kind that this OpenSSL does not know.
        return false;
    }
}

;// CONCATENATED MODULE: ./lib/transport/server-fault.js




/** Characters of a list of names in a sentence. */
const server_fault_LONGEST_LIST = 300;
/** Codes of OpenSSL's verification that say: nobody whom we trust issued this. */
const UNKNOWN_ISSUER = new Set([
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_UNTRUSTED',
]);
/** What was wrong with the server's certificate (`code`: OpenSSL's or Node's name of it): E_TLS_SERVER_*. */
function explainServerFault(code, words, attempt, party) {
    const [own] = attempt.certificates;
    if (own !== undefined) {
        if (code === 'CERT_HAS_EXPIRED')
            return server_fault_expired(attempt.certificates, party);
        if (code === 'CERT_NOT_YET_VALID')
            return server_fault_notYetValid(attempt.certificates, party);
        if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
            return otherName(own, party);
        if (UNKNOWN_ISSUER.has(code))
            return server_fault_unknownIssuer(own, attempt.certificates, party);
    }
    const whose = own === undefined ? '' : ` (${(0,lib_text/* subjectOf */.et)(own)}, issued by ${(0,lib_text/* issuerOf */.xD)(own)})`;
    return {
        code: 'E_TLS_SERVER_REFUSED',
        message: `the certificate of ${party.target}${whose} was not accepted: ${(0,lib_text/* printable */.g$)(words)} (${(0,lib_text/* printable */.g$)(code, 60)})`,
        hint: 'Ask the team that runs the server for a certificate that current TLS clients accept.',
    };
}
function server_fault_expired(chain, party) {
    const { target, now } = party;
    const culprit = chain.find((certificate) => certificate.validToDate < now());
    return {
        code: 'E_TLS_SERVER_EXPIRED',
        message: `${whose(culprit, chain, party)} has expired: ${period(culprit, now())}`,
        hint: `Ask the team that runs ${target} to renew it. Nothing was sent.`,
    };
}
function server_fault_notYetValid(chain, party) {
    const { now, target } = party;
    const culprit = chain.find((certificate) => certificate.validFromDate > now());
    return {
        code: 'E_TLS_SERVER_NOT_YET_VALID',
        message: `${whose(culprit, chain, party)} is not valid yet: ${period(culprit, now())}`,
        hint: `Check the clock of this runner; if it is right, tell the team that runs ${target}.`,
    };
}
/** Which certificate is meant: the server's own, one that it sends with it, or a trusted one above. */
function whose(culprit, [own], { target, trust }) {
    if (culprit === undefined)
        return `a CA certificate in ${trust.source} above the certificate of ${target}`;
    const name = `(${(0,lib_text/* subjectOf */.et)(culprit)}, issued by ${(0,lib_text/* issuerOf */.xD)(culprit)})`;
    return culprit === own ? `the certificate of ${target} ${name}` : `a CA certificate that ${target} sends ${name}`;
}
function period(certificate, now) {
    const clock = `the runner's clock says ${(0,lib_text/* formatTime */.fU)(now)}`;
    if (certificate === undefined)
        return clock;
    const { validFromDate, validToDate } = certificate;
    return `it is valid from ${(0,lib_text/* formatTime */.fU)(validFromDate)} to ${(0,lib_text/* formatTime */.fU)(validToDate)}, and ${clock}`;
}
function otherName(own, { target, host }) {
    const names = (0,lib_text/* printable */.g$)(own.subjectAltName ?? '', server_fault_LONGEST_LIST);
    const found = names === '' ? 'no names at all (no subject alternative name)' : names;
    const address = (0,external_node_net_.isIP)(host) === 0
        ? ''
        : ' TLS settings are chosen by host name: use the name instead of the address in repository-url.';
    return {
        code: 'E_TLS_SERVER_NAME',
        message: `the certificate of ${target} is for another name: expected ${(0,lib_text/* printable */.g$)(host)}, found ${found} (${(0,lib_text/* subjectOf */.et)(own)}, issued by ${(0,lib_text/* issuerOf */.xD)(own)})`,
        hint: `Use a name from the certificate in repository-url, or ask the team that runs the server for a certificate with this name.${address}`,
    };
}
function server_fault_unknownIssuer(own, chain, party) {
    const inspection = inspected(chain, party.target);
    if (inspection !== undefined)
        return inspection;
    const top = chain.at(-1) ?? own;
    const voucher = findVoucher(chain, party);
    // A root seldom issues servers' certificates: one that comes alone most likely lacks its intermediate.
    const isIncomplete = top === own && !server_fault_isSelfSigned(own) && !/\broot\b/i.test(own.issuer) && !holdsNamesake(own, party);
    if (voucher === undefined && isIncomplete)
        return incomplete(own, party);
    return {
        code: 'E_TLS_SERVER_UNKNOWN_CA',
        message: `the certificate of ${party.target} (${(0,lib_text/* subjectOf */.et)(own)}) ${missingAuthority(own, top, party)}`,
        hint: voucher ?? addHint(server_fault_isSelfSigned(top) ? (0,lib_text/* subjectOf */.et)(top) : (0,lib_text/* issuerOf */.xD)(top), party),
    };
}
function missingAuthority(own, top, party) {
    const missing = party.trust.source === 'system' ? 'neither Node.js nor this system trusts' : 'ca-bundle does not hold';
    if (server_fault_isSelfSigned(own))
        return `is self-signed, and ${missing} it`;
    const below = top === own ? '' : `, below ${(0,lib_text/* issuerOf */.xD)(top)}`;
    const leads = server_fault_isSelfSigned(top) ? `leads to ${(0,lib_text/* subjectOf */.et)(top)}` : `was issued by ${(0,lib_text/* issuerOf */.xD)(own)}${below}`;
    if (holdsNamesake(top, party))
        return `${leads}: ${party.trust.source} holds a CA of that name with another key`;
    return `${leads}, which ${missing}`;
}
function server_fault_isSelfSigned({ subject, issuer }) {
    return subject === issuer;
}
function incomplete(own, { target, trust }) {
    const bundle = trust.source === 'system' ? 'what Node.js and this system trust' : 'ca-bundle';
    const issuer = (0,lib_text/* issuerOf */.xD)(own);
    return {
        code: 'E_TLS_SERVER_INCOMPLETE_CHAIN',
        message: `${target} sends its certificate (${(0,lib_text/* subjectOf */.et)(own)}) alone, without the certificate of ${issuer} that issued it, and ${bundle} does not hold that either`,
        hint: `If ${issuer} is an intermediate, have the server send it, or add it to ca-bundle (browsers keep copies, so a page may open there all the same). If it is a root of your company, add it to ca-bundle.`,
    };
}
function addHint(name, { trust }) {
    const [verb, place] = trust.source === 'system' ? ['Give', 'as ca-bundle'] : ['Add', 'to ca-bundle'];
    return `${verb} the certificate of ${name} ${place} if it is a CA of your company. If nobody knows it, something between this runner and the server breaks TLS open.`;
}

;// CONCATENATED MODULE: ./lib/transport/explain.js





/** The reason with which an attempt ends when its time is over. */
const SILENCE = new Error('the time for a connection is over');
const NOT_TLS = new Set([
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    'ERR_SSL_HTTP_REQUEST',
    'ERR_SSL_UNKNOWN_PROTOCOL',
    'ERR_SSL_BAD_RECORD_TYPE',
]);
const NO_COMMON_VERSION = new Set([
    'ERR_SSL_UNSUPPORTED_PROTOCOL',
    'ERR_SSL_WRONG_SSL_VERSION',
    'ERR_SSL_VERSION_TOO_LOW',
    'ERR_SSL_NO_PROTOCOLS_AVAILABLE',
]);
/** Codes of a connection that ended without a word. */
const CLOSED = new Set(['CLOSED_EARLY', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);
/** `ETIMEDOUT`, `EHOSTUNREACH` ...: of the operating system, not of TLS. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;
/** Codes of a name that was not resolved (getaddrinfo). */
const DNS = /^(ENOTFOUND|EAI_[A-Z]+|ENODATA)$/;
/** What went wrong before a connection was handed over. `limit`: milliseconds that the attempt had. */
function explainAttempt(error, attempt, party, limit) {
    if (attempt.stage === 'proxy')
        return explainProxy(error, party, limit);
    if (attempt.stage === 'connect')
        return explainConnect(error, party, limit);
    return explainHandshake(error, attempt, party, limit);
}
function explainConnect(error, { target, host }, limit) {
    const { code, words } = connectFault(error, limit);
    if (code === 'E_NETWORK_DNS') {
        return {
            code,
            message: `the name ${(0,lib_text/* printable */.g$)(host)} of ${target} was not resolved (${words})`,
            hint: 'Check the host in repository-url; a name of a private network needs a runner inside that network.',
        };
    }
    return {
        code,
        message: `could not connect to ${target}: ${words}`,
        hint: 'Check host and port in repository-url, and whether this runner may reach them (firewall, VPN, https_proxy).',
    };
}
/** All addresses of a name are told: the message of their AggregateError is empty. */
function connectFault(error, limit) {
    if (error === SILENCE)
        return { code: 'E_NETWORK_TIMEOUT', words: `no answer within ${seconds(limit)}` };
    const errors = error instanceof AggregateError ? error.errors : [error];
    const codes = errors.map((one) => (0,lib_errors/* errorCodeOf */.D9)(one) ?? '');
    const words = [...new Set(errors.map(addressFault))].join(', ');
    if (codes.some((code) => DNS.test(code)))
        return { code: 'E_NETWORK_DNS', words };
    if (codes.includes('ECONNREFUSED'))
        return { code: 'E_NETWORK_REFUSED', words };
    if (codes.includes('ETIMEDOUT'))
        return { code: 'E_NETWORK_TIMEOUT', words };
    return { code: codes.some((code) => CLOSED.has(code)) ? 'E_NETWORK_CLOSED' : 'E_NETWORK_REFUSED', words };
}
/** `ECONNREFUSED 127.0.0.1:8443` */
function addressFault(error) {
    const code = (0,lib_errors/* errorCodeOf */.D9)(error) ?? 'unknown fault';
    const address = typeof error === 'object' && error !== null && 'address' in error ? String(error.address) : '';
    const port = typeof error === 'object' && error !== null && 'port' in error ? `:${String(error.port)}` : '';
    return (0,lib_text/* printable */.g$)(address === '' ? code : `${code} ${address}${port}`, 100);
}
function explainProxy(error, { proxy }, limit) {
    const name = `the proxy ${(0,lib_text/* printable */.g$)(proxy?.host ?? '')}`;
    const code = 'E_PROXY_UNREACHABLE';
    const hint = 'Check https_proxy on this runner; a host that is reached directly belongs into no_proxy.';
    if (error === SILENCE)
        return { code, message: `${name} did not answer within ${seconds(limit)}`, hint };
    const errorCode = (0,lib_errors/* errorCodeOf */.D9)(error) ?? '';
    if (errorCode === 'CLOSED_EARLY')
        return { code, message: `${name} closed the connection without an answer`, hint };
    if (SYSTEM_CODE.test(errorCode) || error instanceof AggregateError) {
        return { code, message: `could not connect to ${name}: ${connectFault(error, limit).words}`, hint };
    }
    // Its certificate, or no TLS at all: only https proxies come here.
    return { code, message: `TLS to ${name} failed: ${(0,lib_text/* printable */.g$)(explain_reasonOf(error))} (${(0,lib_text/* printable */.g$)(errorCode, 60)})`, hint };
}
function explainHandshake(error, attempt, party, limit) {
    const { target } = party;
    if (error === SILENCE) {
        return {
            code: 'E_NETWORK_TIMEOUT',
            message: `${target} took the connection but did not answer the TLS handshake within ${seconds(limit)}`,
            hint: 'Check that repository-url has the port of an https server, and what stands between it and this runner.',
        };
    }
    const alert = alertOf(error);
    if (alert !== undefined)
        return explainAlert(alert, attempt, party);
    const code = (0,lib_errors/* errorCodeOf */.D9)(error) ?? '';
    if (CLOSED.has(code))
        return closedInHandshake(error, attempt, party);
    if (!attempt.keysAgreed && NOT_TLS.has(code))
        return notTls(party);
    if (NO_COMMON_VERSION.has(code))
        return versionFault(code, party);
    if (SYSTEM_CODE.test(code))
        return explainConnect(error, party, limit);
    if (isVerdict(code))
        return explainServerFault(code, explain_reasonOf(error), attempt, party);
    return {
        code: 'E_TLS_HANDSHAKE',
        message: `the TLS handshake with ${target} failed: ${(0,lib_text/* printable */.g$)(explain_reasonOf(error))} (${(0,lib_text/* printable */.g$)(code, 60)})`,
        hint: 'Ask the team that runs the server what its log says.',
    };
}
/** Codes of the certificate's verification have no prefix; those of everything else in TLS do. */
function isVerdict(code) {
    return code === 'ERR_TLS_CERT_ALTNAME_INVALID' || (code !== '' && !code.startsWith('ERR_'));
}
/** OpenSSL's reason where there is one: the message around it names source files. */
function explain_reasonOf(error) {
    if (!(error instanceof Error))
        return 'unknown fault';
    return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}
function notTls({ target }) {
    return {
        code: 'E_TLS_NOT_TLS',
        message: `${target} does not speak TLS: expected an https server, found something else (plain HTTP?) on that port`,
        hint: 'Check the port in repository-url; port 80 is plain HTTP and port 443 or 8443 https on most servers.',
    };
}
/** Without an alert the moment alone tells: keys are agreed on before the server looks at the client's certificate. */
function closedInHandshake(error, attempt, party) {
    const { target, own } = party;
    // Node gives the code of a reset to a proper end too; only the reset comes from a system call.
    const how = error instanceof Error && 'syscall' in error ? 'reset' : 'closed';
    if (attempt.keysAgreed && attempt.asked) {
        if (own === undefined)
            return certificateRequired(`it ${how} the connection after it had asked for one`, party);
        return alert_refused({
            code: 'E_TLS_CLIENT_REFUSED',
            complaint: 'any',
            words: `asked for the client certificate and then ${how} the connection without a word: most likely it refused the certificate`,
            hint: 'Ask the team that runs the server what its log says: which CAs it trusts for clients, and whether the certificate is revoked.',
        }, party);
    }
    return {
        code: 'E_NETWORK_CLOSED',
        message: `${target} ${how} the connection in the middle of the TLS handshake`,
        hint: 'Check host and port in repository-url; a firewall, or a front that does not know the host name, also ends connections so.',
    };
}
function seconds(milliseconds) {
    return `${Math.round(milliseconds / 100) / 10} s`;
}
/**
 * What an HTTP client rejects with when a connection fails or dies, explained. What is already explained passes as it
 * is. Undefined: it is no matter of the connection (a PublishError of other origin, an abort, an answer that is no HTTP).
 */
function explainDeath(error, seen, party) {
    if (error instanceof ConnectionFailure)
        return error;
    if (error instanceof lib_errors/* PublishError */.S1)
        return undefined;
    const details = deathOf(error, seen, party);
    return details && new lib_errors/* PublishError */.S1({ ...details, cause: error });
}
function deathOf(error, seen, party) {
    const { target, idleTimeoutMs } = party;
    const code = (0,lib_errors/* errorCodeOf */.D9)(error) ?? '';
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT' || code === 'ETIMEDOUT') {
        return {
            code: 'E_NETWORK_TIMEOUT',
            message: `${target} stayed silent for ${seconds(idleTimeoutMs)} (idle-timeout-seconds)`,
            hint: 'Raise idle-timeout-seconds if the server needs longer for such a file; else ask the team that runs it.',
        };
    }
    // undici says so of an answer that it cannot read: no matter of the connection.
    if (error instanceof Error && error.message.startsWith('bad '))
        return undefined;
    if (!CLOSED.has(code) && !code.startsWith('ERR_SSL_'))
        return undefined;
    // undici tells that the connection was closed even where an alert said why.
    const alert = alertOf(error) ?? seen.alert;
    if (alert !== undefined)
        return explainAlert(alert, seen, party);
    return {
        code: 'E_NETWORK_CLOSED',
        message: `the connection to ${target} broke without an answer (${(0,lib_text/* printable */.g$)(explain_reasonOf(error))})`,
        hint: 'Run again; if it happens each time, ask the team that runs the server or the front before it (size limits, time limits, a certificate that is refused late).',
    };
}

;// CONCATENATED MODULE: ./lib/transport/late-request.js


/**
 * Some servers ask for the client certificate only when they see which path is meant (Apache: SSLVerifyClient in
 * <Location>; IIS), by a renegotiation, which TLS 1.2 has and TLS 1.3 has not. Before they ask they keep at most 128 KiB
 * of a request's body, so that an upload has to come second. This is the first request: no body, no credentials, and
 * HEAD, since where its answer ends is never in doubt. Whether the server asks for the certificate then is seen on the
 * socket (OpenSSL answers by itself), and its alert ends this with the socket's error.
 *
 * @returns whether the connection can take another request
 */
async function requestEarly(socket, url, signal) {
    socket.write(`HEAD ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: */*\r\n\r\n`);
    const head = await readHead(socket, signal);
    if (head === undefined || !head.startsWith('HTTP/1.1 ') || /^connection:.*\bclose\b/im.test(head))
        return false;
    // Some servers send a body all the same: it would be taken for the answer to the next request.
    return isOpen(socket) && socket.readableLength === 0;
}

;// CONCATENATED MODULE: ./lib/transport/connector.js











/** Milliseconds for the name, the connection, the proxy's answer, the handshake and the gate together. */
const CONNECT_TIME = 30_000;
/**
 * Makes connections to one origin with one identity and one trust. Certificate, key and CAs are loaded once: with a key
 * in hardware every loading costs a signature. The question is put when the server refuses the certificate.
 */
function createConnector(options, question) {
    const context = secureContext(options);
    const limit = Math.min(CONNECT_TIME, options.idleTimeoutMs);
    return async (signal, company = {}) => {
        const attempt = newAttempt();
        const deadline = new AbortController();
        const timer = setTimeout(() => deadline.abort(SILENCE), limit);
        const sockets = [];
        try {
            const ends = AbortSignal.any([signal, deadline.signal]);
            const connection = await connector_open(options, context, attempt, sockets, ends, company);
            signal.throwIfAborted();
            return connection;
        }
        catch (error) {
            company.failed?.();
            // The outermost alone: it takes those below it along. Destroyed before it, they would pull OpenSSL from under it.
            sockets.at(-1)?.destroy();
            // The caller's own end is no fault of the network.
            signal.throwIfAborted();
            if (error instanceof lib_errors/* PublishError */.S1)
                throw new ConnectionFailure(error, attempt);
            const explain = () => explainAttempt(error, attempt, partyOf(options, question), limit);
            if (options.identity !== undefined && explain().code.startsWith('E_TLS_CLIENT_'))
                await question.ask(signal);
            signal.throwIfAborted();
            throw new ConnectionFailure({ ...explain(), cause: error }, attempt, alertOf(error));
        }
        finally {
            clearTimeout(timer);
        }
    };
}
/** What a sentence about a connection has to know. */
function partyOf(options, { answer }) {
    const { url, identity, ...rest } = options;
    return { ...rest, host: plainHost(url.hostname), target: route_authorityOf(url), own: identity?.own, accepted: answer };
}
function secureContext({ identity, trust, tlsMinVersion, tlsMaxVersion }) {
    return (0,external_node_tls_.createSecureContext)({
        // Never as `pfx`: Node would add the file's CAs to what a server may chain to.
        ...(identity && { cert: identity.chainPem, key: identity.key.export({ type: 'pkcs8', format: 'pem' }) }),
        ca: [...trust.ca],
        allowPartialTrustChain: trust.partial,
        minVersion: tlsMinVersion,
        maxVersion: tlsMaxVersion,
    });
}
async function connector_open(options, context, attempt, sockets, signal, company) {
    const path = await openRoute(options, attempt, sockets, signal);
    await company.leave;
    attempt.stage = 'handshake';
    const socket = (0,external_node_tls_.connect)({
        socket: path,
        secureContext: context,
        ...serverName(plainHost(options.url.hostname)),
        ALPNProtocols: ['http/1.1'],
        // In words, since NODE_TLS_REJECT_UNAUTHORIZED would switch the default off.
        rejectUnauthorized: true,
    });
    keep(socket, sockets);
    setImmediate(() => company.greeted?.());
    const endWatch = watch(socket, attempt);
    const word = lastWord(socket);
    await reach(socket, 'secureConnect', signal);
    attempt.asked ||= socket.getSharedSigalgs().length > 0;
    attempt.certificates = sentCertificates(socket);
    attempt.facts = readFacts(socket, attempt);
    const usedUp = mayAskLate(socket, options, attempt) && !(await askByRequest(socket, options, attempt, signal));
    endWatch();
    if (options.requireClientAuth && !attempt.asked)
        throw notAsked(options, attempt);
    if (usedUp) {
        socket.destroy();
        return connector_open(options, context, attempt, sockets, signal, company);
    }
    company.proven?.();
    attempt.stage = 'gate';
    await passGate(socket, word, signal);
    return { socket, facts: { ...attempt.facts, asked: attempt.asked } };
}
/** In TLS 1.2 a server may ask again once it sees the path; in TLS 1.3 no client of Node.js can answer that. */
function mayAskLate(socket, { identity }, attempt) {
    return identity !== undefined && !attempt.asked && !attempt.early && socket.getProtocol() === 'TLSv1.2';
}
/** Milliseconds for a request that may be answered slowly and that nobody asked for. */
const EARLY_REQUEST_TIME = 10_000;
/** Whether the connection can be used after it. What goes wrong counts only where the server has asked by then. */
async function askByRequest(socket, { url }, attempt, signal) {
    attempt.early = true;
    try {
        const isUsable = await requestEarly(socket, url, AbortSignal.any([signal, AbortSignal.timeout(EARLY_REQUEST_TIME)]));
        attempt.asked ||= socket.getSharedSigalgs().length > 0;
        return isUsable;
    }
    catch (error) {
        signal.throwIfAborted();
        if (attempt.asked)
            throw error;
        return false;
    }
}
/** Notes what can no longer be asked once the handshake has failed. Returns the function that ends the watch. */
function watch(socket, attempt) {
    const note = () => {
        attempt.keysAgreed = true;
        // Not documented for clients: filled by the server's certificate request, and empty without one.
        attempt.asked ||= socket.getSharedSigalgs().length > 0;
    };
    socket.on('keylog', note);
    // A certificate that is refused goes with the socket; and asked for any earlier, before Node's own check of its names,
    // it would be missing there.
    const destroy = socket.destroy.bind(socket);
    socket.destroy = (error) => {
        if (!socket.destroyed) {
            if (attempt.certificates.length === 0)
                attempt.certificates = sentCertificates(socket);
            if (attempt.keysAgreed)
                attempt.protocol = socket.getProtocol() ?? '';
        }
        return destroy(error);
    };
    return () => {
        socket.off('keylog', note);
        socket.destroy = destroy;
    };
}
function notAsked(options, { certificates }) {
    const { url } = options;
    const target = route_authorityOf(url);
    const inspection = inspected(certificates, target);
    if (inspection !== undefined)
        return new lib_errors/* PublishError */.S1(inspection);
    const [own] = certificates;
    const who = own === undefined ? '' : ` (it is ${(0,lib_text/* subjectOf */.et)(own)}, issued by ${(0,lib_text/* issuerOf */.xD)(own)})`;
    const late = options.tlsMaxVersion === 'TLSv1.3'
        ? ' If this server asks for some paths only (Apache: SSLVerifyClient inside <Location>; IIS), write `tls-max-version: 1.2`: in TLS 1.3 it cannot ask then.'
        : '';
    return new lib_errors/* PublishError */.S1({
        code: 'E_TLS_CLIENT_NOT_ASKED',
        message: `${target} did not ask for the client certificate${who}, so it cannot know who publishes: expected a certificate request in the TLS handshake`,
        hint: `Check that repository-url names the host and port behind mutual TLS, and that nothing on the way breaks TLS open.${late} If it asks nobody on purpose, write \`client-auth: optional\`.`,
    });
}

;// CONCATENATED MODULE: ./lib/transport/transport.js








/** Milliseconds that an idle connection is kept where the server does not say: many servers close after five seconds. */
const transport_KEEP_ALIVE_TIME = 4_000;
/**
 * Nothing is connected yet. All connections, the probe's and those of requests, come from one connector; a request to
 * another origin is refused, since the identity and the trust are for this one. A request whose connection fails is
 * rejected with the PublishError that explains it: nothing was sent then.
 */
function createTransport(options) {
    const question = createAuthorityQuestion(options, options.identity?.own.certificates ?? []);
    const connect = createConnector(options, question);
    const life = new AbortController();
    const seen = { asked: false, alert: undefined };
    /** Connections that no request has yet, those in the making among them. */
    const spares = [];
    const open = async (signal, company) => {
        const connection = await connect(signal, company);
        seen.asked = connection.facts.asked;
        seen.alert = undefined;
        connection.socket.on('error', (error) => {
            seen.alert = alertOf(error) ?? seen.alert;
        });
        return connection;
    };
    const prepare = (count, signal = life.signal, company) => {
        const made = () => open(signal, company).then(({ socket }) => socket, () => undefined);
        spares.push(...Array.from({ length: count }, made));
    };
    /** Those that requests have. */
    const taken = new Set();
    const take = (socket) => {
        taken.add(socket);
        return socket.once('close', () => taken.delete(socket));
    };
    const next = async () => {
        for (let kept = spares.shift(); kept !== undefined; kept = spares.shift()) {
            const socket = await kept;
            if (socket !== undefined && isOpen(socket))
                return take(socket);
        }
        return take((await open(life.signal)).socket);
    };
    let loading;
    const load = () => {
        loading ??= createAgent(options, next);
        return loading;
    };
    return {
        get dispatcher() {
            return load();
        },
        async probe(signal, soon = 0) {
            const beside = new AbortController();
            const { promise: leave, resolve, reject } = Promise.withResolvers();
            leave.catch(() => { });
            let begun = false;
            const company = {
                greeted() {
                    if (!begun)
                        prepare(soon, AbortSignal.any([life.signal, beside.signal]), { leave });
                    begun = true;
                    void load();
                },
                proven: resolve,
                failed() {
                    const reason = new Error('the probe failed');
                    reject(reason);
                    // Before their handshakes end: one refusal is enough for the server's log.
                    beside.abort(reason);
                },
            };
            try {
                const { socket, facts } = await open(AbortSignal.any([signal, life.signal]), company);
                spares.unshift(Promise.resolve(socket));
                return { handshake: verdict(options, facts), facts, seen: facts, alert: undefined, problem: undefined };
            }
            catch (error) {
                if (!(error instanceof ConnectionFailure))
                    throw error;
                const { handshake, facts, seen, alert } = error;
                return { handshake, facts, seen, alert, problem: error };
            }
        },
        prepare: (count) => prepare(count),
        explain: (error) => explainDeath(error, seen, partyOf(options, question)),
        askAuthorities: (signal) => question.ask(signal),
        get acceptedAuthorities() {
            return question.answer;
        },
        async likelyReason(signal) {
            if (options.identity !== undefined)
                await question.ask(signal);
            return comparison_compare('any', partyOf(options, question)).words;
        },
        async close() {
            life.abort(new Error('the transport was closed'));
            for (const spare of spares)
                void spare.then((socket) => socket?.destroy());
            // Not by undici: with its error for a reason a stack trace is made, for which the whole bundle is searched for lines.
            for (const socket of taken)
                socket.destroy();
            await (await loading)?.destroy();
        },
    };
}
async function createAgent({ url, connections, idleTimeoutMs }, next) {
    const { default: Agent } = await __nccwpck_require__.e(/* import() */ 57).then(__nccwpck_require__.t.bind(__nccwpck_require__, 6057, 19));
    return new Agent({
        // HTTP/2 uploads wait for the server every 64 KB on nginx and HAProxy.
        allowH2: false,
        connections,
        pipelining: 1,
        keepAliveTimeout: transport_KEEP_ALIVE_TIME,
        headersTimeout: idleTimeoutMs,
        bodyTimeout: idleTimeoutMs,
        connect({ protocol, hostname, port }, callback) {
            if (!isSameOrigin(url, protocol, hostname, port)) {
                callback(new Error('a request to another origin than the transport was made for'), null);
                return;
            }
            next().then((socket) => callback(null, socket), (error) => callback(error, null));
        },
    });
}
function verdict({ identity }, { asked }) {
    return identity === undefined || asked ? 'accepted' : 'not-asked';
}
function isSameOrigin(url, protocol, hostname, port) {
    return (protocol === 'https:' && plainHost(hostname) === plainHost(url.hostname) && (port || '443') === (url.port || '443'));
}

;// CONCATENATED MODULE: ./lib/session.js










/** Milliseconds: the longest first pause before something is tried again. */
const session_FIRST_PAUSE = 1_000;
/** Milliseconds for which a second try waits for a refusal before it sends the file. */
const HOLD_BACK = 1_000;
/** Nothing is connected yet. */
function openSession(run, plan, trust) {
    const { simpleIndex, url } = plan;
    const transport = openTransport(run, plan, url, trust);
    const isElsewhere = simpleIndex !== 'off' && simpleIndex.root.origin !== url.origin;
    const elsewhere = isElsewhere ? openTransport(run, plan, simpleIndex.root, trust) : undefined;
    const pause = { until: 0 };
    return {
        transport,
        elsewhere,
        pace: newPace(plan, pause),
        lookupPace: newPace(plan, isElsewhere ? { until: 0 } : pause),
        close: async () => {
            await Promise.all([transport.close(), elsewhere?.close()]);
        },
    };
}
function openTransport({ runner, secrets }, plan, url, trust) {
    const { identity, inputs } = plan;
    return createTransport({
        url,
        identity: identity === 'none' ? undefined : identity,
        trust,
        proxy: proxyFor(url, runner.surroundings),
        tlsMinVersion: inputs.tlsMinVersion,
        tlsMaxVersion: inputs.tlsMaxVersion,
        requireClientAuth: identity !== 'none' && inputs.clientAuth === 'required',
        connections: inputs.maxParallel,
        idleTimeoutMs: inputs.idleTimeoutMs,
        trustHints: runner.surroundings.caFiles,
        secrets,
        now: () => new Date(),
    });
}
function newPace({ inputs }, pause) {
    return new Pace({ retries: inputs.retries, firstPauseMs: session_FIRST_PAUSE, random: Math.random, pause });
}
/** Where files are sent, and as whom: of a certificate that the server never asked for it knows nothing. */
async function uploadTarget({ secrets }, { url, inputs, identity }, { transport, pace }, handshake, meter) {
    const { credentials, idleTimeoutMs, retries } = inputs;
    return {
        dispatcher: await transport.dispatcher,
        url,
        authorization: credentials && basicAuthorization(credentials, secrets),
        // Not "twine": pypiserver answers that in another way.
        userAgent: `publish-python-mtls/${runner/* ACTION_VERSION */.Y}`,
        idleTimeoutMs,
        secrets,
        buffers: new ChunkBuffers(),
        certificateSubject: identity === 'none' || handshake !== 'accepted' ? undefined : identity.subject,
        explain: transport.explain,
        likelyReason: transport.likelyReason,
        pace,
        retries,
        holdBackMs: HOLD_BACK,
        onSent: (distribution, bytes) => meter.sent(distribution, bytes, performance.now()),
        now: () => new Date(),
    };
}
/** How files are looked up and fetched. Credentials go to the origin of `repository-url` alone. */
async function openReading(plan, { elsewhere, lookupPace }, target, temp) {
    const { simpleIndex, inputs } = plan;
    if (simpleIndex === 'off')
        return { access: undefined, difference: async () => '' };
    const { explain } = elsewhere ?? target;
    const dispatcher = elsewhere === undefined ? target.dispatcher : await elsewhere.dispatcher;
    const { userAgent, idleTimeoutMs, secrets } = target;
    const authorization = elsewhere === undefined ? target.authorization : undefined;
    const reader = { dispatcher, explain, authorization, userAgent, idleTimeoutMs, secrets };
    const download = new index_file/* DownloadBudget */.i();
    const options = { index: simpleIndex, reader, download, digestOf: otherDigest };
    // Loaded here alone: with `check-url: off` nobody reads a page.
    const asker = Promise.all(/* import() */[__nccwpck_require__.e(600), __nccwpck_require__.e(927)]).then(__nccwpck_require__.bind(__nccwpck_require__, 6927)).then(({ askerOf }) => askerOf(options));
    const ask = async (...question) => (await asker)(...question);
    return {
        access: {
            ask,
            pace: lookupPace,
            retries: inputs.retries,
            slots: new Slots(inputs.maxParallel),
            longestMs: idleTimeoutMs,
        },
        difference: (distribution, url, signal) => difference_differenceOf(distribution, url, { reader, download, temp }, signal),
    };
}
function otherDigest({ content }, algorithm, signal) {
    return digest_digestOf(content, algorithm, signal);
}

;// CONCATENATED MODULE: ./lib/publish.js















/**
 * The main step: publishes the distributions, or says why not. Never rejects; true when the step succeeded. `signal` is
 * aborted by SIGINT and SIGTERM, with a PublishError E_RUN_CANCELLED as its reason.
 */
async function publish(run) {
    const { runner, signal } = run;
    const progress = startProgress(new Date());
    const material = new lib_material/* MaterialKeeper */.KF(runner);
    try {
        (0,lib_inputs/* refuseUntrustedEvent */.H8)(run.env);
        material.sweep();
        const plan = await makePlan(run, progress);
        if (plan !== undefined) {
            material.keep(certificatesOf(plan), plan.inputs.exportCredentials);
            await meetServer(run, plan, progress);
            if (plan.inputs.exportCredentials && hasSucceeded(progress))
                exportCredentials(material, plan, progress);
        }
    }
    catch (error) {
        fail(error, run, progress);
    }
    finally {
        for (const { content } of progress.distributions)
            content.close();
        if (progress.exported === undefined)
            material.remove();
    }
    completeResults(progress);
    deliver(reportOf(progress, runner.facts, signal.aborted, new Date()), runner);
    return hasSucceeded(progress);
}
function fail(error, { runner, secrets, signal }, progress) {
    const problems = (0,lib_errors/* problemsOf */.GW)(signal.aborted ? signal.reason : error);
    progress.problems.push(...problems);
    for (const { code, cause } of problems) {
        if (code !== 'E_RUN_INTERNAL' || !(cause instanceof Error))
            continue;
        runner.debug((0,lib_text/* redact */.E$)(cause.stack ?? cause.message, secrets));
    }
}
/** What is public, as PEM: `''` where there is none. */
function certificatesOf({ identity, caBundle }) {
    return {
        chainPem: identity === 'none' ? '' : identity.chainPem,
        caPem: caBundle === 'system' ? '' : caBundle.map((one) => one.toString()).join(''),
    };
}
/** For pip, uv and curl in later steps. Only now is the key written. */
function exportCredentials(material, plan, progress) {
    if (plan.identity === 'none')
        return;
    const keyPem = plan.identity.key.export({ type: 'pkcs8', format: 'pem' }).toString();
    if (!material.inMemory) {
        progress.warnings.push('export-credentials: this machine has no file system in memory, so the key lies on disk until the job ends');
    }
    progress.exported = material.export(certificatesOf(plan), keyPem);
}
/** Second stage: one handshake that shows whether the server takes the certificate; then the files. */
async function meetServer(run, plan, progress) {
    const trust = trustOf(plan.caBundle);
    run.runner.log('Trust', trustLine(trust, run.runner.surroundings.caStoreVariables));
    const session = openSession(run, plan, trust);
    try {
        await probe(run, plan, session, progress);
        await publishAll(run, plan, session, progress);
    }
    finally {
        progress.accepted = session.transport.acceptedAuthorities;
        await session.close();
    }
}
function trustLine({ source, ca, added }, storeVariables) {
    const cas = (0,lib_text/* count */.U9)(ca.length, 'CA');
    if (source === 'ca-bundle')
        return `the server must chain to ca-bundle (${cas}), nothing else is trusted`;
    const ofEnvironment = [
        ...(added === 0 ? [] : [`${added} of them from NODE_EXTRA_CA_CERTS`]),
        ...(storeVariables.length === 0 ? [] : [`the system's from ${storeVariables.join(' and ')}`]),
    ];
    return `the server must chain to a CA of Node.js or the system (${[cas, ...ofEnvironment].join(', ')})`;
}
async function publishAll(run, plan, session, progress) {
    const { runner, signal } = run;
    const { inputs, distributions } = plan;
    const meter = new ProgressMeter(performance.now());
    const target = await uploadTarget(run, plan, session, progress.probe?.handshake ?? 'not-tried', meter);
    const { access, difference } = await openReading(plan, session, target, runner.facts.temp);
    const ticking = setInterval(() => {
        for (const line of meter.lines(performance.now()))
            runner.log('Progress', line);
    }, PROGRESS_EVERY);
    const request = {
        target,
        access,
        policy: existingPolicy(run, plan, difference),
        verify: inputs.verifyUpload,
        verifyTimeoutMs: inputs.verifyTimeoutMs,
        maxParallel: inputs.maxParallel,
        // A dry run gets here with problems, for which no file would be sent.
        untried: inputs.dryRun ? (progress.problems[0] ?? 'would-publish') : undefined,
        onMissing: (missing) => {
            meter.expect(missing);
            // The first file of a project goes alone: what the others need is made meanwhile. Without lookups the probe began it.
            if (!inputs.dryRun && plan.simpleIndex !== 'off')
                session.transport.prepare(Math.min(inputs.maxParallel, missing.length) - 1);
            tellIndex(run, plan, missing.length);
        },
        onSent: (distribution) => meter.ended(distribution),
        onResult: (result) => {
            progress.results.push(result);
            runner.log('Upload', fileLine(result));
        },
    };
    try {
        const ended = await publishFiles(distributions, request, signal);
        if (ended !== undefined)
            throw ended;
    }
    finally {
        clearInterval(ticking);
        const mixture = mixtureWarning(progress.results);
        // First, since the summary begins with the first warnings.
        if (mixture !== undefined)
            progress.warnings.unshift(mixture);
    }
}
function tellIndex({ runner }, { simpleIndex, distributions }, missing) {
    if (simpleIndex === 'off' || distributions.length === 0)
        return;
    const there = distributions.length - missing;
    runner.log('Index', `${(0,lib_text/* shownUrl */.zA)(simpleIndex.root)} has ${there} of ${(0,lib_text/* count */.U9)(distributions.length, 'file')}`);
}
/** Milliseconds between two lines of the log about how far the uploads are. */
const PROGRESS_EVERY = 10_000;
function existingPolicy({ runner }, { inputs, simpleIndex }, difference) {
    return {
        skipExisting: inputs.skipExisting,
        mergesUpstreams: simpleIndex !== 'off' && (simpleIndex.server?.mergesUpstreams ?? false),
        runAttempt: Number(runner.facts.runAttempt) || 1,
        difference,
    };
}
/** Each file has its line in every report, in the order in which they were found, whichever came to its end first. */
function completeResults({ distributions, results, problems }) {
    const told = new Map(results.map((result) => [result.file, result]));
    const all = distributions.map((one) => told.get(one.file) ?? notTried(one, problems[0]));
    results.splice(0, results.length, ...all);
}


/***/ }),

/***/ 869:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Y: () => (/* binding */ ACTION_VERSION),
/* harmony export */   j: () => (/* binding */ createRunner)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6120);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8804);
/** The port to the Actions runner: everything that this action tells it or learns from it. */



/** Also in `package.json` (a contract test compares the two). */
const ACTION_VERSION = '0.1.0';
const ANNOTATE = { notice: _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .notice */ .lm, warning: _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .warning */ .$e, error: _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .error */ .z3 };
/** The width that makes the words of the log a column. */
const WORD_WIDTH = 10;
/** Characters of one line of the log. */
const LONGEST_LINE = 4000;
/** CA files that curl, requests, pip, twine, OpenSSL and Node read from the environment. */
const CA_VARIABLES = [
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'SSL_CERT_FILE',
    'PIP_CERT',
    'TWINE_CERT',
    'NODE_EXTRA_CA_CERTS',
];
/** OpenSSL's own. */
const CA_STORE_VARIABLES = ['SSL_CERT_FILE', 'SSL_CERT_DIR'];
/** Systems whose CAs are no files. */
const HAS_OWN_STORE = new Set(['darwin', 'win32']);
/** `fallbackTemp` and `fallbackWorkspace` stand in where the runner names none. */
function createRunner(env, fallbackTemp, fallbackWorkspace) {
    return {
        facts: readFacts(env, fallbackTemp, fallbackWorkspace),
        surroundings: readSurroundings(env),
        log: (word, text) => _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .info */ .pq(logLine(word, text)),
        // Command data: the toolkit escapes line ends, and what stands behind `::debug::` is never read as a command.
        debug: (text) => _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .debug */ .Yz((0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .clip */ .$Q)(text, LONGEST_LINE)),
        annotate: (kind, title, message) => ANNOTATE[kind](message, { title }),
        mask: (line) => _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .setSecret */ .Pq(line),
        saveState: (name, value) => _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .saveState */ .LZ(name, value),
        state: (name) => _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .getState */ .Gu(name),
        setOutput: (name, value) => _actions_core__WEBPACK_IMPORTED_MODULE_2__/* .setOutput */ .uH(name, value),
        writeSummary: (markdown) => appendSummary(env, markdown),
    };
}
/** Without the toolkit's own, which loads all of `node:fs/promises` at the start of every run. */
function appendSummary({ GITHUB_STEP_SUMMARY: file }, markdown) {
    if (!file)
        throw new Error('GITHUB_STEP_SUMMARY is not set');
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.appendFileSync)(file, markdown);
}
/** The runner acts on `::word::` at the start of a line: our own word stands there. */
function logLine(word, text) {
    return (0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .defuse */ .VP)(`${word.padEnd(WORD_WIDTH)}${(0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .printable */ .g$)(text, LONGEST_LINE)}`);
}
function readFacts(env, fallbackTemp, fallbackWorkspace) {
    const value = (name) => (0,_text_js__WEBPACK_IMPORTED_MODULE_1__/* .printable */ .g$)(env[name] ?? '');
    return {
        repository: value('GITHUB_REPOSITORY'),
        commit: value('GITHUB_SHA'),
        ref: value('GITHUB_REF'),
        refType: value('GITHUB_REF_TYPE'),
        refName: value('GITHUB_REF_NAME'),
        actor: value('GITHUB_ACTOR'),
        workflow: value('GITHUB_WORKFLOW'),
        job: value('GITHUB_JOB'),
        runId: value('GITHUB_RUN_ID'),
        runAttempt: value('GITHUB_RUN_ATTEMPT'),
        serverUrl: value('GITHUB_SERVER_URL'),
        actionRepository: value('GITHUB_ACTION_REPOSITORY'),
        actionRef: value('GITHUB_ACTION_REF'),
        workspace: env.GITHUB_WORKSPACE || fallbackWorkspace,
        temp: env.RUNNER_TEMP || fallbackTemp,
    };
}
/** As curl does it: the lower-case name wins. */
function readSurroundings(env) {
    return {
        httpsProxy: env.https_proxy || env.HTTPS_PROXY || undefined,
        noProxy: env.no_proxy || env.NO_PROXY || undefined,
        caFiles: [...new Set(CA_VARIABLES.map((name) => env[name] ?? '').filter((file) => file !== ''))],
        caStoreVariables: HAS_OWN_STORE.has(process.platform) ? [] : CA_STORE_VARIABLES.filter((name) => env[name]),
    };
}


/***/ }),

/***/ 8804:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $Q: () => (/* binding */ clip),
/* harmony export */   D9: () => (/* binding */ markdownCode),
/* harmony export */   E$: () => (/* binding */ redact),
/* harmony export */   Hg: () => (/* binding */ mermaidText),
/* harmony export */   Sb: () => (/* binding */ Secrets),
/* harmony export */   U9: () => (/* binding */ count),
/* harmony export */   VP: () => (/* binding */ defuse),
/* harmony export */   Yq: () => (/* binding */ formatDate),
/* harmony export */   dI: () => (/* binding */ markdownBlock),
/* harmony export */   et: () => (/* binding */ subjectOf),
/* harmony export */   fU: () => (/* binding */ formatTime),
/* harmony export */   g$: () => (/* binding */ printable),
/* harmony export */   ge: () => (/* binding */ unicodePattern),
/* harmony export */   p7: () => (/* binding */ markdownText),
/* harmony export */   r7: () => (/* binding */ shellWord),
/* harmony export */   xD: () => (/* binding */ issuerOf),
/* harmony export */   z3: () => (/* binding */ formatBytes),
/* harmony export */   zA: () => (/* binding */ shownUrl)
/* harmony export */ });
/**
 * The only way by which foreign text (a server's words, a file name, metadata, a certificate's subject) reaches a log,
 * a file, an annotation or a command line.
 */
/** What can move the cursor, reorder text or hide in it: C0, C1, zero width, bidi, tags. Line ends are white space. */
const UNPRINTABLE = unicodePattern('\\p{Cc}|\\p{Cf}|\\p{Cs}|\\p{Co}|\\p{Default_Ignorable_Code_Point}', 'gu');
/**
 * A pattern with classes of Unicode, built when it is first asked for. V8 reads their tables for each such literal already
 * when it reads the program, whether the code ever runs or not: a millisecond at every start.
 */
function unicodePattern(source, flags = 'u') {
    let pattern;
    return () => {
        pattern ??= new RegExp(source, flags);
        return pattern;
    };
}
/** What is one printable line as it is. Nearly every text is, and the tables of Unicode take a millisecond to load. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;
/** Foreign text as one printable line of at most `max` characters: controls become blanks, runs of blanks one. */
function printable(text, max = 300) {
    if (text.length <= max && PLAIN.test(text))
        return text;
    // Clipped before the regular expressions too: a 64 KiB answer must not cost more than what is shown of it.
    const start = text.slice(0, max * 8);
    const line = start.replace(UNPRINTABLE(), ' ').replace(/\s+/g, ' ').trim();
    return clip(start.length < text.length ? `${line}\u2026` : line, max);
}
/** At most `max` characters, with an ellipsis where something was cut. Never splits a surrogate pair. */
function clip(text, max) {
    if (text.length <= max)
        return text;
    const cut = text.slice(0, Math.max(0, max - 1));
    return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}\u2026`;
}
/** The runner reads `##[command]` anywhere in a plain log line: broken up, it is only text. */
function defuse(line) {
    return line.replaceAll('##[', '# #[');
}
/** One word of a shell command that we print for people to paste (POSIX shells). */
function shellWord(text) {
    return `'${printable(text, 4096).replaceAll("'", `'\\''`)}'`;
}
/**
 * Foreign text for a Markdown document: every character but plain ones as a numeric entity, which CommonMark never
 * takes for structure, inside `<code>`, where GitHub links no mentions.
 */
function markdownCode(text, max = 300) {
    return `<code>${entities(printable(text, max))}</code>`;
}
/** Foreign text inside a Markdown sentence or table cell, without `<code>`. */
function markdownText(text, max = 1000) {
    return entities(printable(text, max));
}
/**
 * Lines for a Markdown document as one block that is shown as it is and can be copied. Entities inside `<pre>`, and no
 * fence: nothing in the lines can end it, whatever they hold.
 */
function markdownBlock(lines) {
    const shown = lines.map((line) => entities(line.replace(UNPRINTABLE(), ' ')));
    return `<pre>\n${shown.join('\n')}\n</pre>\n`;
}
/**
 * Foreign text for a quoted label of a Mermaid diagram: every character but plain ones as `#code;`, so that it can end no
 * label, make no node, link or style, and is no HTML. Mermaid turns the codes back before its later steps look for
 * formulas (`$$`), icons (`fa:fa-`), Markdown and its own placeholders: a zero-width non-joiner behind each sign keeps those
 * apart.
 */
function mermaidText(text, max = 140) {
    return printable(text, max).replace(/[^A-Za-z0-9 ]/gu, (character) => {
        const isSign = character <= '~' || !LETTER().test(character) || character === MERMAID_PLACEHOLDER;
        return `#${character.codePointAt(0)};${isSign ? '#8204;' : ''}`;
    });
}
const LETTER = unicodePattern('[\\p{L}\\p{M}\\p{N}]');
/** With which Mermaid begins what stands for a `#code;` while it parses. */
const MERMAID_PLACEHOLDER = '\ufb02';
/** `-`, `+` and `=` make lists and headings, but only where a line begins. */
function entities(text) {
    return text.replace(/^[+=-]|[^A-Za-z0-9 ,;+=-]/gu, (character) => `&#${character.codePointAt(0)};`);
}
/** Shortest value that is searched for: a shorter one would blank half of every text. */
const SHORTEST_SECRET = 4;
/** A line of a PEM body has 64 characters or 76; shorter lines of a secret are ordinary words too often. */
const SHORTEST_LINE = 16;
/** Fewer base64 characters than these are in too many innocent texts. */
const SHORTEST_BASE64 = 6;
/** A form has at least a quarter of its value's characters: four of Latin-1 that are read as UTF-8 become one, of two units. */
const SHORTENED_BY = 4;
/** Append-only: every value that must never be shown, in all forms in which a server could send it back. */
class Secrets {
    /** Those whose forms nobody needed yet: no text was long enough for them. */
    #values = new Set();
    #forms = new Set();
    #longestFirst = [];
    /** A whole secret: its value, its lines, and what base64, percent-encoding and JSON make of them. */
    add(value) {
        const whole = value.trim();
        if (whole.length >= SHORTEST_SECRET)
            for (const one of [value, whole])
                this.#values.add(one);
        for (const line of whole.split(/[\r\n]+/)) {
            const trimmed = line.trim();
            if (trimmed.length >= SHORTEST_LINE && !trimmed.startsWith('-----'))
                this.#values.add(trimmed);
        }
    }
    /** All that a text of `length` characters can hold. Longest first, so that a secret that contains another one goes as a whole. */
    forms(length) {
        const before = this.#forms.size;
        for (const value of this.#values) {
            if (value.length > length * SHORTENED_BY)
                continue;
            this.#values.delete(value);
            for (const form of formsOf(value))
                this.#forms.add(form);
        }
        if (this.#forms.size > before)
            this.#longestFirst = [...this.#forms].sort((a, b) => b.length - a.length);
        return this.#longestFirst;
    }
}
function formsOf(value) {
    return [value, ...misread(value), ...percentForms(value), ...jsonForms(value), ...base64Forms(value)];
}
/** UTF-8 read as Latin-1, as header fields are (undici), and Latin-1 read as UTF-8, as bodies and reason phrases are. */
function misread(value) {
    return [Buffer.from(value, 'utf8').toString('latin1'), Buffer.from(value, 'latin1').toString('utf8')];
}
/** As browsers do it and as RFC 3986 has it, with `+` for blanks as forms have it, hex digits in either case. */
function percentForms(value) {
    const loose = encodeURIComponent(value.toWellFormed());
    const strict = loose.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
    const upper = [loose, strict].flatMap((form) => [form, form.replaceAll('%20', '+')]);
    return [...upper, ...upper.map((form) => form.replace(/%../g, (escaped) => escaped.toLowerCase()))];
}
/** The shortest form; with `\uXXXX` for what is not ASCII (Python) and what is special in HTML (Go); with `\/` (PHP). */
function jsonForms(value) {
    const quoted = JSON.stringify(value).slice(1, -1);
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    const ascii = quoted.replace(/[\u007f-\uffff]/g, escaped);
    return [quoted, ascii, quoted.replace(/[<>&]/g, escaped), ascii.replaceAll('/', '\\/')];
}
/** The base64 of a text that holds `value` somewhere has one of three alignments; both alphabets. */
function base64Forms(value) {
    const bytes = Buffer.from(value, 'utf8');
    const forms = [bytes.toString('base64')];
    for (const shift of [0, 1, 2]) {
        const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
        // A character that also holds bits of what stands before or behind differs from text to text: 6 bits of 8 a byte.
        forms.push(encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)));
    }
    return forms
        .filter((form) => form.length >= SHORTEST_BASE64)
        .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')]);
}
/** Raw foreign text with every secret replaced by `***`. Runs before clipping and escaping: a cut secret would not be found. */
function redact(text, secrets) {
    let result = text;
    for (const form of secrets.forms(text.length))
        if (result.includes(form))
            result = result.replaceAll(form, '***');
    return result;
}
/** `1 file`, `3 files`. */
function count(amount, noun) {
    return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
/** Bytes for people: `417 bytes`, `1.3 MB` (powers of ten, as package indexes show them). */
function formatBytes(bytes) {
    if (bytes < 1000)
        return count(bytes, 'byte');
    const units = ['kB', 'MB', 'GB', 'TB'];
    let value = bytes / 1000;
    let unit = 0;
    while (value >= 999.95 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return `${value.toFixed(1)} ${units[unit]}`;
}
/** `2026-11-25` of a point in time, UTC; `(unreadable)` for an invalid one, which a certificate can hold. */
function formatDate(date) {
    return Number.isNaN(date.getTime()) ? '(unreadable)' : date.toISOString().slice(0, 10);
}
/** A URL as it may be shown: scheme, host, port and path; never user, password, query or fragment. */
function shownUrl(url) {
    return `${url.protocol}//${url.host}${url.pathname}`;
}
/** Characters of a certificate's name in a sentence: company names with four or five parts fit. */
const LONGEST_NAME = 160;
/** A certificate's subject as one printable line, the most specific part first: `CN=Issuing CA, O=Example`. */
function subjectOf({ subject }) {
    return nameLine(subject);
}
/** A certificate's issuer, as `subjectOf` shows a subject. */
function issuerOf({ issuer }) {
    return nameLine(issuer);
}
/** Node writes one part of a name a line, the most general first; nothing at all where it is empty. */
function nameLine(name) {
    const parts = (name ?? '').split('\n').reverse();
    return printable(parts.join(', '), LONGEST_NAME) || '(no name)';
}
/** A point in time for people, UTC: `2026-11-25 09:30 UTC`; `(unreadable)` for an invalid one. */
function formatTime(time) {
    return Number.isNaN(time.getTime()) ? '(unreadable)' : `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}


/***/ })

/******/ });
/************************************************************************/
/******/ // The module cache
/******/ var __webpack_module_cache__ = {};
/******/ 
/******/ // The require function
/******/ function __nccwpck_require__(moduleId) {
/******/ 	// Check if module is in cache
/******/ 	var cachedModule = __webpack_module_cache__[moduleId];
/******/ 	if (cachedModule !== undefined) {
/******/ 		return cachedModule.exports;
/******/ 	}
/******/ 	// Create a new module (and put it into the cache)
/******/ 	var module = __webpack_module_cache__[moduleId] = {
/******/ 		id: moduleId,
/******/ 		loaded: false,
/******/ 		exports: {}
/******/ 	};
/******/ 
/******/ 	// Execute the module function
/******/ 	var threw = true;
/******/ 	try {
/******/ 		__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 		threw = false;
/******/ 	} finally {
/******/ 		if(threw) delete __webpack_module_cache__[moduleId];
/******/ 	}
/******/ 
/******/ 	// Flag the module as loaded
/******/ 	module.loaded = true;
/******/ 
/******/ 	// Return the exports of the module
/******/ 	return module.exports;
/******/ }
/******/ 
/******/ // expose the modules object (__webpack_modules__)
/******/ __nccwpck_require__.m = __webpack_modules__;
/******/ 
/************************************************************************/
/******/ /* webpack/runtime/asset-relocator-loader */
/******/ if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = decodeURIComponent(new URL('.', import.meta.url).pathname).slice(import.meta.url.match(/^file:\/\/\/\w:/) ? 1 : 0, -1) + "/";
/******/ 
/******/ /* webpack/runtime/async module */
/******/ (() => {
/******/ 	var webpackQueues = typeof Symbol === "function" ? Symbol("webpack queues") : "__webpack_queues__";
/******/ 	var webpackExports = typeof Symbol === "function" ? Symbol("webpack exports") : "__webpack_exports__";
/******/ 	var webpackError = typeof Symbol === "function" ? Symbol("webpack error") : "__webpack_error__";
/******/ 	var resolveQueue = (queue) => {
/******/ 		if(queue && queue.d < 1) {
/******/ 			queue.d = 1;
/******/ 			queue.forEach((fn) => (fn.r--));
/******/ 			queue.forEach((fn) => (fn.r-- ? fn.r++ : fn()));
/******/ 		}
/******/ 	}
/******/ 	var wrapDeps = (deps) => (deps.map((dep) => {
/******/ 		if(dep !== null && typeof dep === "object") {
/******/ 			if(dep[webpackQueues]) return dep;
/******/ 			if(dep.then) {
/******/ 				var queue = [];
/******/ 				queue.d = 0;
/******/ 				dep.then((r) => {
/******/ 					obj[webpackExports] = r;
/******/ 					resolveQueue(queue);
/******/ 				}, (e) => {
/******/ 					obj[webpackError] = e;
/******/ 					resolveQueue(queue);
/******/ 				});
/******/ 				var obj = {};
/******/ 				obj[webpackQueues] = (fn) => (fn(queue));
/******/ 				return obj;
/******/ 			}
/******/ 		}
/******/ 		var ret = {};
/******/ 		ret[webpackQueues] = x => {};
/******/ 		ret[webpackExports] = dep;
/******/ 		return ret;
/******/ 	}));
/******/ 	__nccwpck_require__.a = (module, body, hasAwait) => {
/******/ 		var queue;
/******/ 		hasAwait && ((queue = []).d = -1);
/******/ 		var depQueues = new Set();
/******/ 		var exports = module.exports;
/******/ 		var currentDeps;
/******/ 		var outerResolve;
/******/ 		var reject;
/******/ 		var promise = new Promise((resolve, rej) => {
/******/ 			reject = rej;
/******/ 			outerResolve = resolve;
/******/ 		});
/******/ 		promise[webpackExports] = exports;
/******/ 		promise[webpackQueues] = (fn) => (queue && fn(queue), depQueues.forEach(fn), promise["catch"](x => {}));
/******/ 		module.exports = promise;
/******/ 		body((deps) => {
/******/ 			currentDeps = wrapDeps(deps);
/******/ 			var fn;
/******/ 			var getResult = () => (currentDeps.map((d) => {
/******/ 				if(d[webpackError]) throw d[webpackError];
/******/ 				return d[webpackExports];
/******/ 			}))
/******/ 			var promise = new Promise((resolve) => {
/******/ 				fn = () => (resolve(getResult));
/******/ 				fn.r = 0;
/******/ 				var fnQueue = (q) => (q !== queue && !depQueues.has(q) && (depQueues.add(q), q && !q.d && (fn.r++, q.push(fn))));
/******/ 				currentDeps.map((dep) => (dep[webpackQueues](fnQueue)));
/******/ 			});
/******/ 			return fn.r ? promise : getResult();
/******/ 		}, (err) => ((err ? reject(promise[webpackError] = err) : outerResolve(exports)), resolveQueue(queue)));
/******/ 		queue && queue.d < 0 && (queue.d = 0);
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/create fake namespace object */
/******/ (() => {
/******/ 	var getProto = Object.getPrototypeOf ? (obj) => (Object.getPrototypeOf(obj)) : (obj) => (obj.__proto__);
/******/ 	var leafPrototypes;
/******/ 	// create a fake namespace object
/******/ 	// mode & 1: value is a module id, require it
/******/ 	// mode & 2: merge all properties of value into the ns
/******/ 	// mode & 4: return value when already ns object
/******/ 	// mode & 16: return value when it's Promise-like
/******/ 	// mode & 8|1: behave like require
/******/ 	__nccwpck_require__.t = function(value, mode) {
/******/ 		if(mode & 1) value = this(value);
/******/ 		if(mode & 8) return value;
/******/ 		if(typeof value === 'object' && value) {
/******/ 			if((mode & 4) && value.__esModule) return value;
/******/ 			if((mode & 16) && typeof value.then === 'function') return value;
/******/ 		}
/******/ 		var ns = Object.create(null);
/******/ 		__nccwpck_require__.r(ns);
/******/ 		var def = {};
/******/ 		leafPrototypes = leafPrototypes || [null, getProto({}), getProto([]), getProto(getProto)];
/******/ 		for(var current = mode & 2 && value; typeof current == 'object' && !~leafPrototypes.indexOf(current); current = getProto(current)) {
/******/ 			Object.getOwnPropertyNames(current).forEach((key) => (def[key] = () => (value[key])));
/******/ 		}
/******/ 		def['default'] = () => (value);
/******/ 		__nccwpck_require__.d(ns, def);
/******/ 		return ns;
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/define property getters */
/******/ (() => {
/******/ 	// define getter functions for harmony exports
/******/ 	__nccwpck_require__.d = (exports, definition) => {
/******/ 		for(var key in definition) {
/******/ 			if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 				Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 			}
/******/ 		}
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/ensure chunk */
/******/ (() => {
/******/ 	__nccwpck_require__.f = {};
/******/ 	// This file contains only the entry chunk.
/******/ 	// The chunk loading function for additional chunks
/******/ 	__nccwpck_require__.e = (chunkId) => {
/******/ 		return Promise.all(Object.keys(__nccwpck_require__.f).reduce((promises, key) => {
/******/ 			__nccwpck_require__.f[key](chunkId, promises);
/******/ 			return promises;
/******/ 		}, []));
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/get javascript chunk filename */
/******/ (() => {
/******/ 	// This function allow to reference async chunks
/******/ 	__nccwpck_require__.u = (chunkId) => {
/******/ 		// return url for filenames based on template
/******/ 		return "" + chunkId + ".index.js";
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/hasOwnProperty shorthand */
/******/ (() => {
/******/ 	__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ })();
/******/ 
/******/ /* webpack/runtime/make namespace object */
/******/ (() => {
/******/ 	// define __esModule on exports
/******/ 	__nccwpck_require__.r = (exports) => {
/******/ 		if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
/******/ 			Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
/******/ 		}
/******/ 		Object.defineProperty(exports, '__esModule', { value: true });
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/node module decorator */
/******/ (() => {
/******/ 	__nccwpck_require__.nmd = (module) => {
/******/ 		module.paths = [];
/******/ 		if (!module.children) module.children = [];
/******/ 		return module;
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/import chunk loading */
/******/ (() => {
/******/ 	// no baseURI
/******/ 	
/******/ 	// object to store loaded and loading chunks
/******/ 	// undefined = chunk not loaded, null = chunk preloaded/prefetched
/******/ 	// [resolve, Promise] = chunk loading, 0 = chunk loaded
/******/ 	var installedChunks = {
/******/ 		792: 0
/******/ 	};
/******/ 	
/******/ 	var installChunk = (data) => {
/******/ 		var {ids, modules, runtime} = data;
/******/ 		// add "modules" to the modules object,
/******/ 		// then flag all "ids" as loaded and fire callback
/******/ 		var moduleId, chunkId, i = 0;
/******/ 		for(moduleId in modules) {
/******/ 			if(__nccwpck_require__.o(modules, moduleId)) {
/******/ 				__nccwpck_require__.m[moduleId] = modules[moduleId];
/******/ 			}
/******/ 		}
/******/ 		if(runtime) runtime(__nccwpck_require__);
/******/ 		for(;i < ids.length; i++) {
/******/ 			chunkId = ids[i];
/******/ 			if(__nccwpck_require__.o(installedChunks, chunkId) && installedChunks[chunkId]) {
/******/ 				installedChunks[chunkId][0]();
/******/ 			}
/******/ 			installedChunks[ids[i]] = 0;
/******/ 		}
/******/ 	
/******/ 	}
/******/ 	
/******/ 	__nccwpck_require__.f.j = (chunkId, promises) => {
/******/ 			// import() chunk loading for javascript
/******/ 			var installedChunkData = __nccwpck_require__.o(installedChunks, chunkId) ? installedChunks[chunkId] : undefined;
/******/ 			if(installedChunkData !== 0) { // 0 means "already installed".
/******/ 	
/******/ 				// a Promise means "currently loading".
/******/ 				if(installedChunkData) {
/******/ 					promises.push(installedChunkData[1]);
/******/ 				} else {
/******/ 					if(true) { // all chunks have JS
/******/ 						// setup Promise in chunk cache
/******/ 						var promise = import("./" + __nccwpck_require__.u(chunkId)).then(installChunk, (e) => {
/******/ 							if(installedChunks[chunkId] !== 0) installedChunks[chunkId] = undefined;
/******/ 							throw e;
/******/ 						});
/******/ 						var promise = Promise.race([promise, new Promise((resolve) => (installedChunkData = installedChunks[chunkId] = [resolve]))])
/******/ 						promises.push(installedChunkData[1] = promise);
/******/ 					}
/******/ 				}
/******/ 			}
/******/ 	};
/******/ 	
/******/ 	// no prefetching
/******/ 	
/******/ 	// no preloaded
/******/ 	
/******/ 	// no external install chunk
/******/ 	
/******/ 	// no on chunks loaded
/******/ })();
/******/ 
/************************************************************************/
/******/ 
/******/ // startup
/******/ // Load entry module and return exports
/******/ // This entry module used 'module' so it can't be inlined
/******/ var __webpack_exports__ = __nccwpck_require__(5691);
/******/ __webpack_exports__ = await __webpack_exports__;
/******/ 
