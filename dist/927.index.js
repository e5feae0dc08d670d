export const id = 927;
export const ids = [927];
export const modules = {

/***/ 6927:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  askerOf: () => (/* binding */ askerOf)
});

// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/package-index/block-page.js
var block_page = __webpack_require__(2386);
// EXTERNAL MODULE: ./lib/package-index/fetch.js
var fetch = __webpack_require__(861);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ./lib/text.js
var lib_text = __webpack_require__(8804);
// EXTERNAL MODULE: ./lib/package-index/exchange.js
var exchange = __webpack_require__(1588);
// EXTERNAL MODULE: ./lib/package-index/index-file.js
var index_file = __webpack_require__(4080);
// EXTERNAL MODULE: ./lib/package-index/page-fault.js
var page_fault = __webpack_require__(4259);
;// CONCATENATED MODULE: ./lib/package-index/json-page.js

/** Bytes of one element; the largest of PyPI have a few hundred. */
const MOST_ELEMENT_BYTES = 1024 * 1024;
/** Bytes of everything beside the elements: `meta`, and the list of versions. */
const MOST_REST_BYTES = 8 * 1024 * 1024;
/** A list of anything but objects is no simple index. */
const NOT_OBJECTS = 'JSON whose list of files holds something else';
/** Characters in which the name of a list stands, with white space up to its bracket. */
const MOST_NAME = 250;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/**
 * A page in JSON, read as it comes. This only finds where the elements of `files` or `projects` end; what is in them,
 * `JSON.parse` reads, those of one chunk at a time. So a page of any length costs the memory of a chunk and an element,
 * at less than twice the time of `JSON.parse` over a whole page; a general streaming parser took four times.
 */
class JsonPage {
    #element;
    #depth = 0;
    #inString = false;
    /** Of a string that goes on in the next chunk: 1 where a backslash before its end escapes what comes next. */
    #backslashes = 0;
    /** The list that is being read. */
    #list;
    /** What came of the list and is not handed out: the start of an element. */
    #pieces = [];
    #pieceBytes = 0;
    /** Where the last element ends in the chunk that is being read; 0: none does. */
    #elementEnd = 0;
    /** Pieces of the page without those elements, a character a byte. */
    #rest = [];
    #restLength = 0;
    /** The end of them. */
    #tail = '';
    constructor(element) {
        this.#element = element;
    }
    /** @throws PageFault */
    write(chunk) {
        // A character a byte: searching in it is many times faster than a loop over the bytes.
        const text = chunk.toString('latin1');
        let from = 0;
        let at = this.#inString ? this.#afterString(text, 0) : 0;
        for (; at < text.length; at += 1) {
            const code = text.charCodeAt(at);
            if (code === QUOTE)
                at = this.#afterString(text, at + 1) - 1;
            else if (code === OPEN_BRACE || code === OPEN_BRACKET)
                from = this.#open(chunk, from, at);
            else if (code === CLOSE_BRACE || code === CLOSE_BRACKET)
                from = this.#close(chunk, from, at);
        }
        if (this.#list === undefined)
            this.#addRest(chunk.subarray(from));
        else
            this.#addPiece(chunk.subarray(this.#handOut(chunk, from, this.#list)));
    }
    /**
     * The page without the elements that were handed out, as `JSON.parse` reads it.
     *
     * @throws PageFault
     */
    end() {
        if (this.#depth > 0 || this.#inString)
            throw new page_fault/* PageFault */.S('JSON that is cut off', true);
        const rest = membersOf(parse(Buffer.from(this.#rest.join(''), 'latin1').toString('utf8')));
        // Names written with escapes: no server does, but then its files must not be overlooked.
        for (const list of ['files', 'projects']) {
            const left = rest.get(list);
            if (Array.isArray(left))
                for (const one of left)
                    this.#element(list, one);
        }
        return rest;
    }
    /** Where a string ends that goes on at `at`: behind its quote, or with the chunk. */
    #afterString(text, at) {
        let from = at;
        for (;;) {
            const quote = text.indexOf('"', from);
            const end = quote < 0 ? text.length : quote;
            // A quote behind an odd number of backslashes is part of the string.
            let backslashes = 0;
            while (end - backslashes > at && text.charCodeAt(end - backslashes - 1) === BACKSLASH)
                backslashes += 1;
            const before = end - backslashes === at ? this.#backslashes : 0;
            this.#backslashes = 0;
            const escaped = (backslashes + before) % 2 === 1;
            if (quote < 0) {
                this.#inString = true;
                this.#backslashes = escaped ? 1 : 0;
                return end;
            }
            if (!escaped) {
                this.#inString = false;
                return quote + 1;
            }
            from = quote + 1;
        }
    }
    /** Returns where the piece that is being read begins. */
    #open(chunk, from, at) {
        this.#depth += 1;
        if (this.#list !== undefined || this.#depth !== 2 || chunk[at] !== OPEN_BRACKET)
            return from;
        this.#addRest(chunk.subarray(from, at + 1));
        const [, name] = /"(files|projects)"\s{0,99}:\s{0,99}\[$/.exec(this.#tail) ?? [];
        this.#list = name === 'files' || name === 'projects' ? name : undefined;
        return at + 1;
    }
    #close(chunk, from, at) {
        this.#depth -= 1;
        if (this.#list === undefined || this.#depth > 2)
            return from;
        if (this.#depth === 2) {
            this.#elementEnd = at + 1;
            return from;
        }
        this.#addPiece(chunk.subarray(this.#handOut(chunk, from, this.#list), at));
        if (/\S/.test(this.#takePieces()))
            throw new page_fault/* PageFault */.S(NOT_OBJECTS);
        this.#list = undefined;
        return at;
    }
    /** Hands out the elements that ended in this chunk, and returns where the last of them does: one call of JSON.parse for all. */
    #handOut(chunk, from, list) {
        const end = this.#elementEnd;
        if (end === 0)
            return from;
        this.#elementEnd = 0;
        this.#pieces.push(chunk.subarray(from, end));
        const elements = parse(`[${this.#takePieces().replace(/^\s*,/, '')}]`);
        for (const element of Array.isArray(elements) ? elements : []) {
            if (typeof element !== 'object' || element === null || Array.isArray(element))
                throw new page_fault/* PageFault */.S(NOT_OBJECTS);
            this.#element(list, element);
        }
        return end;
    }
    #takePieces() {
        const text = Buffer.concat(this.#pieces).toString('utf8');
        this.#pieces = [];
        this.#pieceBytes = 0;
        return text;
    }
    #addPiece(piece) {
        this.#pieces.push(piece);
        this.#pieceBytes += piece.length;
        if (this.#pieceBytes > MOST_ELEMENT_BYTES)
            throw new page_fault/* PageFault */.S('JSON with an entry of more than 1 MiB');
    }
    #addRest(piece) {
        const text = piece.toString('latin1');
        this.#rest.push(text);
        this.#restLength += text.length;
        this.#tail = (this.#tail + text.slice(-MOST_NAME)).slice(-MOST_NAME);
        if (this.#restLength > MOST_REST_BYTES)
            throw new page_fault/* PageFault */.S('JSON with more than 8 MiB beside its files');
    }
}
function parse(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        throw new page_fault/* PageFault */.S('text that is no JSON');
    }
}
/** Members of a JSON object; none of anything else. */
function membersOf(value) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return new Map(isObject ? Object.entries(value) : []);
}

;// CONCATENATED MODULE: ./lib/package-index/listed-file.js

/** Digests that a simple index gives, the one that decides first. md5 decides nothing: it can only prove a difference. */
const ALGORITHMS = ['sha256', 'sha512', 'sha384', 'md5'];
/** Characters of a digest in hexadecimal. */
const LENGTHS = { sha256: 64, sha512: 128, sha384: 96, md5: 32 };
/** What indexes have held in all their years. */
const DISTRIBUTION = /\.(?:whl|tar\.gz|zip|egg|tgz|tar\.(?:bz2|xz|z)|exe|msi|rpm|deb)$/i;
function isDistribution(name) {
    return DISTRIBUTION.test(name);
}
/**
 * The name of the file that a link leads to (PEP 503): the last part of its path. The text that people see stands in for
 * it only where the path ends in none. Undefined: no distribution.
 */
function linkName(href, text) {
    const name = lastSegment(href);
    if (isDistribution(name))
        return name;
    return isDistribution(text) ? text : undefined;
}
/** What a link says of its file. */
function linkedFile(name, href) {
    return { name, href, digests: fragmentDigests(href), size: undefined };
}
/** The name of an element of `files` (PEP 691). Undefined: no distribution. */
function elementName(value) {
    const filename = typeof value === 'object' && value !== null && 'filename' in value ? value.filename : undefined;
    const name = typeof filename === 'string' && filename !== '' ? filename : lastSegment(elementHref(value));
    return isDistribution(name) ? name : undefined;
}
function elementHref(value) {
    const url = typeof value === 'object' && value !== null && 'url' in value ? value.url : undefined;
    return typeof url === 'string' ? url : '';
}
/** What an element of `files` says of its file (`size`: PEP 700). */
function elementFile(name, value) {
    const members = membersOf(value);
    const size = members.get('size');
    return {
        name,
        href: elementHref(value),
        digests: hashDigests(membersOf(members.get('hashes'))),
        size: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
    };
}
/** The last part of a path, without query and fragment, as a URL parser would see it: `\` is `/`, line ends are nothing. */
function lastSegment(href) {
    const end = href.search(/[?#]/);
    const path = (end < 0 ? href : href.slice(0, end)).replace(/[\t\r\n]/g, '');
    return decoded(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).trim());
}
function decoded(text) {
    if (!text.includes('%'))
        return text;
    try {
        return decodeURIComponent(text);
    }
    catch {
        return text;
    }
}
/** `#sha256=...` (PEP 503), or `#sha256-...` as Gitea wrote it for years. */
function fragmentDigests(href) {
    const hash = href.indexOf('#');
    if (hash < 0)
        return new Map();
    const parts = decoded(href.slice(hash + 1)).split('&');
    return digestsOf(parts.map((part) => /^([^=-]*)[=-](.*)$/s.exec(part) ?? []).map(([, name, hex]) => [name, hex]));
}
function hashDigests(hashes) {
    return digestsOf(ALGORITHMS.map((algorithm) => [algorithm, hashes.get(algorithm)]));
}
/** What is no digest counts as none. */
function digestsOf(pairs) {
    const digests = new Map();
    for (const [name, hex] of pairs) {
        const algorithm = ALGORITHMS.find((one) => typeof name === 'string' && one === name.trim().toLowerCase());
        if (algorithm === undefined || typeof hex !== 'string')
            continue;
        const digest = hex.trim().toLowerCase();
        if (digest.length === LENGTHS[algorithm] && /^[0-9a-f]+$/.test(digest))
            digests.set(algorithm, digest);
    }
    return digests;
}

// EXTERNAL MODULE: ./lib/package-index/lookup-answer.js
var lookup_answer = __webpack_require__(4666);
// EXTERNAL MODULE: ./lib/package-index/simple-index.js
var simple_index = __webpack_require__(538);
;// CONCATENATED MODULE: ./lib/package-index/finding.js







/**
 * What the entries of a file's name say of its bytes: digests first, then the size, then the index's own file. Entries
 * that contradict each other are other bytes.
 *
 * @throws LookupFailure for faults of network and server that may pass; the signal's reason
 */
async function findingOf(distribution, entries, comparison, signal) {
    const findings = [];
    const open = [];
    const proven = new Set();
    for (const entry of entries) {
        const finding = await byListing(distribution, entry, comparison, signal);
        if (finding?.state === 'other')
            return finding;
        if (finding === undefined)
            open.push(entry);
        else {
            findings.push(finding);
            if (entry.url !== undefined)
                proven.add(entry.url.href);
        }
    }
    for (const entry of open) {
        if (entry.url !== undefined && proven.has(entry.url.href))
            continue;
        const finding = await byContent(distribution, entry, comparison, signal);
        if (finding.state === 'other')
            return finding;
        findings.push(finding);
    }
    return findings.find(({ state }) => state === 'unknown') ?? findings[0] ?? { state: 'absent' };
}
/** Undefined: the page alone does not tell. */
async function byListing(distribution, entry, comparison, signal) {
    const other = (listed) => otherBytes(distribution, entry, comparison, listed);
    const digests = comparison.digestIsOurWord ? new Map() : entry.digests;
    for (const algorithm of ALGORITHMS) {
        const theirs = digests.get(algorithm);
        const ours = theirs && (await digestOf(distribution, algorithm, comparison, signal));
        if (theirs === undefined || ours === undefined)
            continue;
        if (theirs !== ours)
            return other(`${algorithm} ${theirs}`);
        // md5 can be made to fit.
        if (algorithm !== 'md5')
            return { state: 'same', verified: algorithm };
    }
    if (entry.size !== undefined && entry.size !== distribution.size)
        return other(`size ${entry.size}`);
    return undefined;
}
async function digestOf(distribution, algorithm, comparison, signal) {
    if (algorithm === 'sha256')
        return distribution.sha256;
    const known = algorithm === 'md5' ? distribution.md5 : undefined;
    return known ?? (await comparison.digestOf(distribution, algorithm, signal));
}
const NO_DIGEST = 'the index gives no digest that proves it, and';
async function byContent(distribution, entry, comparison, signal) {
    const { page, reader, budget } = comparison;
    const unknown = (why) => ({ state: 'unknown', why: `${NO_DIGEST} ${why}`, url: ownUrl(entry, page) });
    if (entry.url === undefined)
        return unknown('its page has no URL of the file that can be read');
    if (entry.url.origin !== page.origin) {
        const host = (0,lib_text/* printable */.g$)((0,lib_text/* redact */.E$)(entry.url.host, reader.secrets), 100);
        return unknown(`its file is on another host (${host}), which is not asked`);
    }
    if (!budget.reserve(distribution.size))
        return unknown(budget.why);
    let left = distribution.size;
    try {
        return await fetched(distribution, entry, entry.url, comparison, signal, (bytes) => {
            left -= bytes;
        });
    }
    catch (error) {
        if (!(error instanceof simple_index/* LookupFailure */.B))
            throw error;
        // Not the time: a file that is too slow once is too slow each time.
        const isSlow = error.problem.cause instanceof exchange/* Silence */.Ah;
        if (error.retry !== undefined && !isSlow)
            throw error;
        if (isSlow)
            budget.spendTime();
        return unknown(`its file cannot be fetched: ${error.problem.message}`);
    }
    finally {
        budget.giveBack(left);
    }
}
async function fetched(distribution, entry, url, comparison, signal, spend) {
    const { reader } = comparison;
    const { size, sha256 } = distribution;
    const other = (listed) => otherBytes(distribution, entry, comparison, listed);
    const hash = (0,external_node_crypto_.createHash)('sha256');
    const { bytes, complete, encoded } = await (0,index_file/* fetchIndexFile */.t)(url, size, reader, signal, (chunk) => {
        spend(chunk.length);
        hash.update(chunk);
    });
    const theirs = hash.digest('hex');
    if (complete && bytes === size && theirs === sha256)
        return { state: 'same', verified: 'download' };
    if (encoded) {
        const why = `${NO_DIGEST} its file comes compressed, though that was not asked for (${(0,lookup_answer/* shown */.SP)({ url, reader })})`;
        return { state: 'unknown', why, url };
    }
    if (!complete)
        return other(`size over ${size}`);
    return other(bytes === size ? `sha256 ${theirs}` : `size ${bytes}`);
}
function otherBytes({ file }, entry, { page, reader }, listed) {
    const spelled = entry.name === file ? '' : ` (as ${(0,lib_text/* printable */.g$)((0,lib_text/* redact */.E$)(entry.name, reader.secrets), 100)})`;
    return { state: 'other', listed: `${listed}${spelled}`, url: ownUrl(entry, page) };
}
/** Files on another origin are not asked for. */
function ownUrl({ url }, page) {
    return url?.origin === page.origin ? url : undefined;
}

// EXTERNAL MODULE: ./node_modules/htmlparser2/dist/Parser.js + 7 modules
var Parser = __webpack_require__(1600);
;// CONCATENATED MODULE: ./lib/package-index/html-page.js


/** Characters without the end of a tag, and of all attributes of one tag: the parser holds them. */
const MOST_PENDING = 1024 * 1024;
/** Elements inside each other: each end tag is looked for among all of them. */
const MOST_DEPTH = 1000;
/** Characters of a link's text, of a title. */
const MOST_TEXT = 500;
/** Titles and headings of simple indexes, and of directory listings. */
const MARK = /\blinks for\b|\bsimple (?:package )?index\b|^index of \//i;
/** A page in HTML, read as it comes (PEP 503): memory stays bounded, whatever the page holds. */
class HtmlPage {
    #onLink;
    #parser;
    #decoder = new TextDecoder();
    #written = 0;
    #depth = 0;
    #tag = '';
    /** Characters of its attributes. */
    #tagLength = 0;
    /** Attributes of the meta element that is open. */
    #meta = new Map();
    #href;
    #text = '';
    /** Title or heading that is open. */
    #heading;
    #base;
    #marked = false;
    /** Whether html or body was opened, and whether one of them was closed. */
    #opened = false;
    #closed = false;
    #last = '';
    constructor(onLink) {
        this.#onLink = onLink;
        this.#parser = new Parser/* Parser */.i({
            onopentagname: (name) => this.#open(name),
            onattribute: (name, value) => this.#attribute(name, value),
            ontext: (text) => this.#addText(text),
            onclosetag: (name, implied) => this.#close(name, implied),
        });
    }
    /** @throws PageFault */
    write(chunk) {
        this.#feed(this.#decoder.decode(chunk, { stream: true }));
    }
    /** @throws PageFault when the page breaks off */
    end() {
        this.#feed(this.#decoder.decode());
        const openLink = this.#href !== undefined;
        this.#parser.end();
        this.#endLink();
        // The end tags may be left out (HTML 5); a page that has the one and not the other, or ends in a tag, breaks off.
        const breaksOff = openLink || (this.#opened ? !this.#closed : !/>\s*$/.test(this.#last));
        if (breaksOff)
            throw new page_fault/* PageFault */.S('HTML that is cut off', true);
        return { marked: this.#marked, base: this.#base };
    }
    #feed(text) {
        if (text === '')
            return;
        this.#written += text.length;
        this.#last = (this.#last + text.slice(-200)).slice(-200);
        this.#parser.write(text);
        if (this.#written - this.#parser.startIndex > MOST_PENDING)
            throw new page_fault/* PageFault */.S('HTML with a tag of more than 1 MiB');
    }
    #open(tag) {
        this.#tag = tag;
        this.#tagLength = 0;
        this.#depth += 1;
        if (this.#depth > MOST_DEPTH)
            throw new page_fault/* PageFault */.S('HTML whose elements are never closed');
        if (tag === 'a')
            this.#endLink();
        else if (tag === 'meta')
            this.#meta.clear();
        else if (tag === 'html' || tag === 'body')
            this.#opened = true;
        else if (tag === 'title' || tag === 'h1')
            this.#heading = '';
    }
    /** Of an attribute that comes twice the first one counts (HTML 5). */
    #attribute(name, value) {
        this.#tagLength += name.length + value.length;
        if (this.#tagLength > MOST_PENDING)
            throw new page_fault/* PageFault */.S('HTML with a tag of more than 1 MiB');
        if (this.#tag === 'meta')
            this.#readMeta(name, value);
        else if (name === 'href' && this.#tag === 'a')
            this.#href ??= value;
        else if (name === 'href' && this.#tag === 'base')
            this.#base ??= value;
    }
    /** Names of the version of the API: PEP 629; Artifactory. */
    #readMeta(attribute, value) {
        if (attribute !== 'name' && attribute !== 'content')
            return;
        if (!this.#meta.has(attribute))
            this.#meta.set(attribute, value);
        const name = this.#meta.get('name')?.toLowerCase();
        this.#marked ||= name === 'pypi:repository-version' || name === 'api-version';
        const isLater = /^\s*(?:[2-9]|\d\d)/.test(this.#meta.get('content') ?? '');
        if (name === 'pypi:repository-version' && isLater)
            throw new page_fault/* PageFault */.S('a page of a later version of the API');
    }
    #addText(text) {
        if (this.#href !== undefined && this.#text.length < MOST_TEXT)
            this.#text += text.slice(0, MOST_TEXT);
        if (this.#heading !== undefined && this.#heading.length < MOST_TEXT)
            this.#heading += text.slice(0, MOST_TEXT);
    }
    #close(tag, implied) {
        this.#depth -= 1;
        if (tag === 'a')
            this.#endLink();
        else if (tag === 'html' || tag === 'body')
            this.#closed ||= !implied;
        else if (tag === 'title' || tag === 'h1') {
            this.#marked ||= MARK.test((this.#heading ?? '').trim());
            this.#heading = undefined;
        }
    }
    #endLink() {
        if (this.#href === undefined)
            return;
        const link = { href: this.#href, text: this.#text.trim() };
        this.#href = undefined;
        this.#text = '';
        this.#onLink(link);
    }
}

;// CONCATENATED MODULE: ./lib/package-index/index-page.js



/** Bytes of a page after decoding. */
const MOST_PAGE_BYTES = 256 * 1024 * 1024;
const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const HTML_TYPE = 'application/vnd.pypi.simple.v1+html';
/** The representation that is liked best; devpi answers to HTML_TYPE alone with a broken type. */
const ACCEPT = {
    json: `${JSON_TYPE}, ${HTML_TYPE};q=0.2, text/html;q=0.01`,
    html: `text/html, ${HTML_TYPE};q=0.2`,
};
/** A page of a simple index in either representation, read as it comes. */
class IndexPage {
    #type;
    #listener;
    #page;
    /** `contentType`: as the header has it. It decides only where the first byte does not: some servers give a wrong one. */
    constructor(contentType, listener) {
        this.#type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
        this.#listener = listener;
    }
    /** @throws PageFault */
    write(chunk) {
        let body = chunk;
        if (this.#page === undefined) {
            // White space before the first byte that tells; a byte order mark, which JSON.parse does not take.
            const at = chunk.findIndex((byte) => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte));
            if (at < 0)
                return;
            body = chunk.subarray(at);
            this.#page = this.#begin(String.fromCharCode(body[0] ?? 0));
        }
        this.#page.page.write(body);
    }
    /** @throws PageFault */
    end() {
        if (this.#page === undefined)
            throw new page_fault/* PageFault */.S('an empty answer');
        if (this.#page.form === 'html') {
            const { marked, base } = this.#page.page.end();
            return { form: 'html', marked: marked || this.#type === HTML_TYPE, base };
        }
        const members = this.#page.page.end();
        const version = membersOf(members.get('meta')).get('api-version');
        if (!/^1(?:\.|$)/.test(String(version)))
            throw new page_fault/* PageFault */.S('JSON of another kind, without meta.api-version 1');
        return { form: 'json', members };
    }
    #begin(first) {
        const { link, entry } = this.#listener;
        // `text_html`: devpi.
        const html = this.#type === HTML_TYPE || /^text[/_]x?html$/.test(this.#type);
        if (first === '{')
            return { form: 'json', page: new JsonPage(entry) };
        if (first === '<' || html)
            return { form: 'html', page: new HtmlPage(link) };
        throw new page_fault/* PageFault */.S('neither HTML nor JSON');
    }
}

;// CONCATENATED MODULE: ./lib/package-index/project-page.js



/** Different entries of one file: an index has one or two. */
const MOST_ENTRIES = 100;
/** Reads the page of a project, of which only the entries of our files are kept. */
class ProjectPageReader {
    #request;
    #page;
    #keyOf;
    #byName = new Map();
    #byKey = new Map();
    #listed = 0;
    /** Entries that are this project's by their name. */
    #ofProject = 0;
    constructor(request) {
        this.#request = request;
        this.#keyOf = fileKey(request.project);
        for (const file of request.files) {
            const wanted = { exact: new Map(), spelled: new Map() };
            const key = this.#keyOf(file) ?? file;
            this.#byName.set(file, wanted);
            this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), wanted]);
        }
        this.#page = new IndexPage(request.contentType, {
            link: ({ href, text }) => {
                const name = linkName(href, text);
                if (name !== undefined)
                    this.#add(name, href, () => linkedFile(name, href));
            },
            entry: (list, value) => {
                const name = list === 'files' ? elementName(value) : undefined;
                if (name !== undefined)
                    this.#add(name, elementHref(value), () => elementFile(name, value));
            },
        });
    }
    /** @throws PageFault */
    write(chunk) {
        this.#page.write(chunk);
    }
    /** @throws PageFault when that was no whole page of the project */
    end() {
        const end = this.#page.end();
        const { url, project } = this.#request;
        if (end.form === 'json') {
            const name = end.members.get('name');
            if (!Array.isArray(end.members.get('files')))
                throw new page_fault/* PageFault */.S('JSON of another kind, without a list of files');
            if (typeof name === 'string' && normalized(name) !== project)
                throw new page_fault/* PageFault */.S('the page of another project');
        }
        else if (!end.marked && this.#ofProject === 0)
            throw new page_fault/* PageFault */.S('a page without a link to a file of the project');
        const base = (end.form === 'html' && end.base !== undefined && resolved(end.base, url)) || url;
        const entries = [...this.#byName].map(([file, { exact, spelled }]) => {
            const own = this.#ownEntries(exact, base);
            return [file, own.length > 0 ? own : this.#ownEntries(spelled, base)];
        });
        return { url, listed: this.#listed, entries: new Map(entries) };
    }
    /** `details`: most entries are of other files, and are counted only. */
    #add(name, href, details) {
        const { ownFiles, url } = this.#request;
        const key = this.#keyOf(name);
        if (key !== undefined)
            this.#ofProject += 1;
        if (ownFiles === undefined || this.#isOwn(resolved(href, url)))
            this.#listed += 1;
        const exact = this.#byName.get(name);
        if (exact !== undefined)
            keep(exact.exact, details());
        if (key === undefined)
            return;
        for (const wanted of this.#byKey.get(key) ?? [])
            if (wanted !== exact)
                keep(wanted.spelled, details());
    }
    #ownEntries(listed, base) {
        const entries = [...listed.values()].map((file) => ({
            ...file,
            url: file.href === '' ? undefined : resolved(file.href, base),
        }));
        return entries.filter(({ url }) => this.#isOwn(url));
    }
    #isOwn(url) {
        const { ownFiles } = this.#request;
        return ownFiles === undefined || url?.href.startsWith(ownFiles.href) === true;
    }
}
function keep(entries, file) {
    entries.set(`${file.href}\n${[...file.digests.values()].join()}\n${file.size}`, file);
    if (entries.size > MOST_ENTRIES)
        throw new page_fault/* PageFault */.S('a page that lists one file more than 100 times');
}
/**
 * One text for all spellings of a file's name that indexes keep in one place: the project's part normalised (PEP 503),
 * the rest in lower case. The project is known, so that its end is found in names with more dashes than parts. Undefined:
 * a file of another project.
 */
function fileKey(project) {
    const pattern = new RegExp(`^${project.split('-').join('[-_.]+')}-(.+)$`, 'is');
    return (file) => pattern.exec(file)?.[1]?.toLowerCase();
}
/** PEP 503. */
function normalized(name) {
    return name.replace(/[-_.]+/g, '-').toLowerCase();
}
/** Undefined for what is no https URL in the end. */
function resolved(href, base) {
    if (!URL.canParse(href, base.href))
        return undefined;
    const url = new URL(href, base);
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
        return undefined;
    url.hash = '';
    url.username = '';
    url.password = '';
    return url;
}

// EXTERNAL MODULE: ./lib/package-index/redirect.js
var redirect = __webpack_require__(9917);
// EXTERNAL MODULE: ./lib/package-index/server-words.js
var server_words = __webpack_require__(9094);
;// CONCATENATED MODULE: ./lib/package-index/root-proof.js









/** What is known of the root in a run: asked once, by whichever lookup needs it first. One for each simple index. */
class RootProof {
    #answer;
    /**
     * The answer, asked for by `ask` where nobody has it yet. A failure is not kept: the next one who asks tries again.
     *
     * @throws what `ask` throws; the signal's reason, at once
     */
    async get(ask, signal) {
        for (;;) {
            const own = this.#answer === undefined;
            this.#answer ??= ask();
            const answer = this.#answer;
            try {
                return await unlessAborted(answer, signal);
            }
            catch (error) {
                if (this.#answer === answer)
                    this.#answer = undefined;
                // The one who asked may have been cancelled alone: then this one asks.
                if (own || signal.aborted || error instanceof simple_index/* LookupFailure */.B)
                    throw error;
            }
        }
    }
}
function unlessAborted(promise, signal) {
    return new Promise((resolve, reject) => {
        const abort = () => reject(signal.reason);
        if (signal.aborted)
            abort();
        signal.addEventListener('abort', abort);
        promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
}
/**
 * Asks for the root page, in the reader's time.
 *
 * @throws LookupFailure for faults of network and server, which prove nothing either way; the signal's reason
 */
async function askRoot({ root }, reader, now, signal) {
    return await (0,lookup_answer/* explained */.to)({ url: root, reader, now }, signal, async () => {
        let page;
        const open = ({ status, headers }) => {
            page = status === 200 ? new RootPageReader(headers.get('content-type') ?? '') : undefined;
            return page && ((chunk) => page?.write(chunk));
        };
        const request = {
            url: root,
            reader,
            accept: ACCEPT.json,
            encoding: 'gzip',
            limitBytes: MOST_PAGE_BYTES,
            open,
        };
        try {
            const { answer, url } = await (0,fetch/* within */.ux)(reader.idleTimeoutMs, signal, (timed) => (0,fetch/* get */.Jt)(request, timed));
            if (page === undefined)
                return otherAnswer(answer, url, reader, now);
            page.end();
            return { isIndex: true, elsewhere: false, found: '' };
        }
        catch (error) {
            if (!(error instanceof page_fault/* PageFault */.S))
                throw error;
            return { isIndex: false, elsewhere: false, found: `it answered 200 with ${error.found}` };
        }
    });
}
function otherAnswer(answer, url, reader, now) {
    const failure = (0,lookup_answer/* answerFailure */.Rp)(answer, { url, reader, now });
    if (failure.retry !== undefined)
        throw failure;
    const target = (0,fetch/* isRedirect */.N6)(answer) ? (0,redirect/* redirectTarget */.ET)(answer, url) : undefined;
    const elsewhere = target !== undefined && target.origin !== url.origin;
    const found = elsewhere
        ? `it points to ${(0,lib_text/* printable */.g$)(target.host, 100)}`
        : `it answered ${(0,server_words/* wordsOf */.Z)(answer, reader.secrets).status}`;
    return { isIndex: false, elsewhere, found };
}
/** The list of all projects (PEP 503, PEP 691): links whose text and last part of the path are one name. */
class RootPageReader {
    #page;
    #projects = 0;
    #others = 0;
    constructor(contentType) {
        this.#page = new IndexPage(contentType, {
            link: (link) => {
                if (isProject(link))
                    this.#projects += 1;
                else
                    this.#others += 1;
            },
            entry: () => { },
        });
    }
    write(chunk) {
        this.#page.write(chunk);
    }
    end() {
        const end = this.#page.end();
        if (end.form === 'json') {
            if (!Array.isArray(end.members.get('projects')))
                throw new page_fault/* PageFault */.S('JSON without a list of projects');
            return;
        }
        if (end.marked || (this.#projects > 0 && this.#others === 0))
            return;
        throw new page_fault/* PageFault */.S('a page that is no list of projects');
    }
}
function isProject({ href, text }) {
    const name = lastSegment(href.replace(/\/+(?=$|[?#])/, ''));
    return name !== '' && spelling(name) === spelling(text);
}
/** PEP 503. */
function spelling(name) {
    return name
        .replace(/[-_.]+/g, '-')
        .replace(/\/$/, '')
        .toLowerCase();
}

;// CONCATENATED MODULE: ./lib/package-index/lookup.js












/**
 * Asks a simple index what it has of some files of one project (PEP 503, PEP 691). One try: nothing is repeated.
 * "Absent" is said only where the index is known to be one. The page has the reader's time in all, and so has each file
 * that is fetched because the page does not prove its bytes.
 *
 * @throws LookupFailure: E_INDEX_LOOKUP, E_INDEX_UNPROVEN, E_HTTP_*, or the transport's code; the signal's reason, at once
 */
async function lookUp(project, distributions, index, reader, options, signal) {
    signal.throwIfAborted();
    const now = options.now ?? (() => new Date());
    const lookup = { project, distributions, index, reader, options, now };
    const url = new URL(`${project}/`, index.root);
    const page = await (0,lookup_answer/* explained */.to)({ url, reader, now }, signal, () => askPage(lookup, url, signal));
    const files = new Map();
    const comparison = {
        page: page?.url ?? url,
        reader,
        budget: options.download ?? new index_file/* DownloadBudget */.i(),
        digestOf: options.digestOf,
        digestIsOurWord: index.server?.digestIsOurWord ?? false,
    };
    for (const distribution of distributions) {
        const entries = page?.entries.get(distribution.file) ?? [];
        try {
            files.set(distribution.file, await findingOf(distribution, entries, comparison, signal));
        }
        catch (error) {
            throw error instanceof simple_index/* LookupFailure */.B ? new simple_index/* LookupFailure */.B(error.problem, error.retry, files) : error;
        }
    }
    return { known: page !== undefined && page.listed > 0, files };
}
/** The project's page; undefined: the index has none. */
async function askPage(lookup, asked, signal) {
    const { project, index, reader, options, now } = lookup;
    let page;
    const open = ({ status, headers }, url) => {
        page = status === 200 ? new ProjectPageReader(pageRequest(lookup, url, headers)) : undefined;
        return page && ((chunk) => page?.write(chunk));
    };
    const request = {
        url: asked,
        reader,
        accept: ACCEPT[options.prefer ?? 'json'],
        encoding: 'gzip',
        limitBytes: MOST_PAGE_BYTES,
        open,
        follows: (target) => !asksToLogIn(target, asked, project, index),
    };
    const { answer, url } = await (0,fetch/* within */.ux)(reader.idleTimeoutMs, signal, (timed) => (0,fetch/* get */.Jt)(request, timed));
    if (page !== undefined) {
        try {
            return page.end();
        }
        catch (error) {
            throw error instanceof page_fault/* PageFault */.S ? (0,lookup_answer/* pageFailure */.CS)(error, answer, { url, reader, now }) : error;
        }
    }
    if ((0,fetch/* isRedirect */.N6)(answer))
        await assertFallback(answer, url, lookup, signal);
    else
        await assertAbsent(answer, url, lookup, signal);
    return undefined;
}
function pageRequest({ project, distributions, index }, url, headers) {
    return {
        project,
        files: distributions.map(({ file }) => file),
        url,
        contentType: headers.get('content-type') ?? '',
        ownFiles: index.server?.ownFiles,
    };
}
/** A redirect to a login, not counting what is part of the question: the index's own path, and the project's name. */
function asksToLogIn(target, url, project, { root }) {
    const rest = new URL(target);
    if (target.origin === root.origin && target.pathname.startsWith(root.pathname)) {
        rest.pathname = target.pathname.slice(root.pathname.length - 1);
    }
    rest.pathname = rest.pathname.replace(new RegExp(`/${project}/?$`, 'i'), '/');
    return (0,redirect/* leadsToLogin */.yP)(rest, url);
}
/**
 * Some indexes send those who ask for an unknown project on to the public one: absent here. Nothing is sent there. Another
 * scheme or port of the same host is the same server, badly set up; a given root that points away too is an index that has
 * moved, and says nothing of where uploads go.
 */
async function assertFallback(answer, url, lookup, signal) {
    const { project, index, reader, now } = lookup;
    const target = (0,redirect/* redirectTarget */.ET)(answer, url);
    const login = target !== undefined && asksToLogIn(target, url, project, index);
    const isFallback = target !== undefined &&
        !login &&
        target.hostname !== url.hostname &&
        (target.pathname.endsWith(`/simple/${project}/`) || target.pathname.endsWith(`/simple/${project}`));
    if (!isFallback)
        throw (0,lookup_answer/* redirectFailure */.l2)(answer, target, login, { url, reader, now });
    if (index.source === 'known')
        return;
    const root = await rootOf(lookup, signal);
    if (root.elsewhere && index.source === 'given')
        throw (0,lookup_answer/* redirectFailure */.l2)(answer, target, false, { url, reader, now });
    assertProven(root.isIndex, root.found, answer, url, lookup);
}
/** Absent: 404, or 405 of an index that knows no page of the project. Where the index is a guess, its root must prove it. */
async function assertAbsent(answer, url, lookup, signal) {
    const { index, reader, now } = lookup;
    const absent = answer.status === 404 || answer.status === 405;
    if (!absent || (0,block_page/* blockPageOf */.u)(answer, reader.secrets) !== undefined)
        throw (0,lookup_answer/* answerFailure */.Rp)(answer, { url, reader, now });
    if (index.source !== 'guessed')
        return;
    const { isIndex, found } = await rootOf(lookup, signal);
    assertProven(isIndex, found, answer, url, lookup);
}
function rootOf({ index, reader, options, now }, signal) {
    const proof = options.proof ?? new RootProof();
    return proof.get(() => askRoot(index, reader, now, signal), signal);
}
function assertProven(isIndex, found, { status }, url, { index, reader }) {
    if (isIndex || index.source !== 'guessed')
        return;
    const root = (0,lookup_answer/* shown */.SP)({ url: index.root, reader });
    throw new simple_index/* LookupFailure */.B(new errors/* PublishError */.S1({
        code: 'E_INDEX_UNPROVEN',
        message: `${(0,lookup_answer/* shown */.SP)({ url, reader })} answered ${status}, which says nothing as long as ${root} is not known to be the simple index: ${found}`,
        hint: `Give the index URL that your pip uses as check-url (check-url: ${root} if it is this one), or check-url: off to publish without looking: many servers replace a file of the same name without a word.`,
    }));
}

;// CONCATENATED MODULE: ./lib/package-index/asker.js


/** Looks at one simple index; what is learnt of its root is kept. */
function askerOf({ index, reader, download, digestOf }) {
    const proof = new RootProof();
    return (project, distributions, prefer, signal) => lookUp(project, distributions, index, reader, { prefer, download, proof, digestOf }, signal);
}


/***/ })

};
