export const id = 22;
export const ids = [22];
export const modules = {

/***/ 7022:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  openPkcs12: () => (/* binding */ openPkcs12)
});

// EXTERNAL MODULE: ./lib/encoding/kind.js
var kind = __webpack_require__(6991);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./lib/encoding/der.js
var der = __webpack_require__(7578);
// EXTERNAL MODULE: ./node_modules/node-forge/lib/asn1.js
var asn1 = __webpack_require__(7357);
;// CONCATENATED MODULE: ./lib/identity/pkcs12-fault.js
/**
 * Why a PKCS#12 file does not open, before it is known which input it came from. `damaged`: its structure; `password`:
 * not with this one; `unsupported`: the message goes on from the file's name (`is encrypted with ...`).
 */
class Pkcs12Fault extends Error {
    reason;
    constructor(reason, message) {
        super(message);
        this.name = 'Pkcs12Fault';
        this.reason = reason;
    }
}
function damaged(message) {
    return new Pkcs12Fault('damaged', message);
}
function unsupported(message) {
    return new Pkcs12Fault('unsupported', message);
}

;// CONCATENATED MODULE: ./lib/identity/asn1.js


const UNIVERSAL = 0x00;
const CONTEXT = 0x80;
const INTEGER = 2;
const OCTET_STRING = 4;
const OBJECT_IDENTIFIER = 6;
const UTF8_STRING = 12;
const BMP_STRING = 30;
/** Longest INTEGER that is read as a number, in bytes: what a double holds exactly. */
const LONGEST_INTEGER = 6;
/** DER, or BER with indefinite lengths and strings in pieces, which NSS and Java write. Throws Pkcs12Fault `damaged`. */
function parse(bytes) {
    try {
        const options = { strict: true, parseAllBytes: true, decodeBitStrings: false };
        return asn1.fromDer(bytes.toString('latin1'), options);
    }
    catch {
        throw damaged('it is no well-formed ASN.1');
    }
}
/** What is inside. */
function members(node) {
    if (node === undefined || typeof node.value === 'string')
        throw damaged('a part of it is missing');
    return node.value;
}
function isOctetString({ tagClass, type }) {
    return tagClass === UNIVERSAL && type === OCTET_STRING;
}
function isInteger({ tagClass, type }) {
    return tagClass === UNIVERSAL && type === INTEGER;
}
/** What stands in `[number]`; undefined where another tag stands there. */
function tagged(node, number) {
    return node?.tagClass === CONTEXT && node.type === number ? node : undefined;
}
/** The bytes of a string, whose pieces are put together. */
function octets(node) {
    if (node === undefined)
        throw damaged('a string in it is missing');
    return typeof node.value === 'string' ? Buffer.from(node.value, 'latin1') : Buffer.concat(node.value.map(octets));
}
function octetString(node) {
    if (node === undefined || !isOctetString(node))
        throw damaged('a string in it is missing');
    return octets(node);
}
function objectIdentifier(node) {
    if (node === undefined || node.type !== OBJECT_IDENTIFIER || typeof node.value !== 'string' || node.value === '') {
        throw damaged('an object identifier in it is missing');
    }
    return asn1.derToOid(node.value);
}
/** Not negative. */
function integer(node) {
    if (node === undefined || !isInteger(node))
        throw damaged('a number in it is missing');
    const bytes = octets(node);
    if (bytes.length === 0 || bytes.length > LONGEST_INTEGER || bytes.readInt8(0) < 0) {
        throw damaged('a number in it makes no sense');
    }
    return bytes.readUIntBE(0, bytes.length);
}
function algorithm(node) {
    const [oid, parameters] = members(node);
    return { oid: objectIdentifier(oid), parameters };
}
/** BMPString, which the reader has decoded, or UTF8String; undefined for any other. */
function asn1_text(node) {
    if (node?.tagClass !== UNIVERSAL || typeof node.value !== 'string')
        return undefined;
    if (node.type === BMP_STRING)
        return node.value;
    return node.type === UTF8_STRING ? octets(node).toString('utf8') : undefined;
}
/** The element as DER, whatever it was written in. */
function derOf(node) {
    return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

;// CONCATENATED MODULE: ./lib/identity/pkcs12-file.js


const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3';
const SAFE_CONTENTS_BAG = '1.2.840.113549.1.12.10.1.6';
const X509 = '1.2.840.113549.1.9.22.1';
const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
const PUBLIC_KEY_MODE = 'is locked with a certificate, not with a password';
/** Throws Pkcs12Fault `damaged` or `unsupported`. */
function readPkcs12(bytes) {
    const [version, authenticated, mac] = members(parse(bytes));
    if (integer(version) !== 3)
        throw damaged('its version is not 3');
    const [type, wrapper] = members(authenticated);
    if (objectIdentifier(type) !== DATA)
        throw unsupported(PUBLIC_KEY_MODE);
    const content = octetString(members(wrapper)[0]);
    return { safes: members(parse(content)).map(readSafe), content, mac: mac && readMac(mac) };
}
/** ContentInfo (RFC 5652, 3), and in it EncryptedData (8). */
function readSafe(node) {
    const [type, wrapper] = members(node);
    const kind = objectIdentifier(type);
    const [inner] = members(wrapper);
    if (kind === DATA)
        return { data: octetString(inner) };
    if (kind !== ENCRYPTED_DATA)
        throw unsupported(PUBLIC_KEY_MODE);
    const [, info] = members(inner);
    const [, encryption, encrypted] = members(info);
    return { encryption: algorithm(encryption), encrypted: octets(tagged(encrypted, 0)) };
}
function readMac(node) {
    const [info, salt, iterations] = members(node);
    const [digestAlgorithm, digest] = members(info);
    return {
        algorithm: algorithm(digestAlgorithm),
        digest: octetString(digest),
        salt: octetString(salt),
        iterations: iterations === undefined ? 1 : integer(iterations),
    };
}
/** Reads unlocked SafeContents. Throws Pkcs12Fault `damaged`. */
function readBags(data) {
    const bags = { keys: [], certificates: [] };
    collectBags(parse(data), bags);
    return bags;
}
function collectBags(contents, found) {
    for (const bag of members(contents)) {
        const [type, wrapper, attributes] = members(bag);
        const kind = objectIdentifier(type);
        const [value] = members(wrapper);
        const named = readAttributes(attributes);
        if (value === undefined)
            throw damaged('an entry of it is empty');
        if (kind === SAFE_CONTENTS_BAG)
            collectBags(value, found);
        else if (kind === KEY_BAG)
            found.keys.push({ ...named, data: derOf(value) });
        else if (kind === SHROUDED_KEY_BAG)
            found.keys.push({ ...named, ...readLocked(value) });
        else if (kind === CERTIFICATE_BAG)
            found.certificates.push(...readCertificate(value, named));
    }
}
/** EncryptedPrivateKeyInfo (RFC 5958, 3). */
function readLocked(node) {
    const [encryption, encrypted] = members(node);
    return { encryption: algorithm(encryption), encrypted: octetString(encrypted) };
}
function readCertificate(node, named) {
    const [type, wrapper] = members(node);
    return objectIdentifier(type) === X509 ? [{ ...named, der: octetString(members(wrapper)[0]) }] : [];
}
function readAttributes(node) {
    let alias;
    let localKeyId;
    for (const attribute of node === undefined ? [] : members(node)) {
        const [type, values] = members(attribute);
        const kind = objectIdentifier(type);
        const [value] = members(values);
        if (kind === FRIENDLY_NAME)
            alias = asn1_text(value);
        if (kind === LOCAL_KEY_ID && value !== undefined)
            localKeyId = octets(value).toString('hex');
    }
    return { alias, localKeyId };
}
/** The parameters that PBKDF2 and the schemes of PKCS#12 begin with. */
function saltAndIterations(fields) {
    const [salt, iterations] = fields;
    return { salt: octetString(salt), iterations: integer(iterations) };
}
/** An optional INTEGER before another field, and the rest. */
function optionalInteger(fields) {
    const [first, ...rest] = fields;
    return first !== undefined && isInteger(first) ? { value: integer(first), rest } : { value: undefined, rest: fields };
}

;// CONCATENATED MODULE: ./lib/identity/derivation.js






/** Of one derivation. Programs write 2,048 to 600,000, some a million. */
const MOST_OLD_ITERATIONS = 1_000_000;
const MOST_PBKDF2_ITERATIONS = 5_000_000;
/** What an iteration of PBKDF2 costs in these rounds: OpenSSL does it without leaving for JavaScript each time. */
const PBKDF2_COST = 0.4;
/** Rounds between two looks at the signal: about ten milliseconds. */
const SLICE = 10_000;
const PBKDF2 = '1.2.840.113549.1.5.12';
const HMACS = new Map([
    ['1.2.840.113549.2.7', 'sha1'],
    ['1.2.840.113549.2.8', 'sha224'],
    ['1.2.840.113549.2.9', 'sha256'],
    ['1.2.840.113549.2.10', 'sha384'],
    ['1.2.840.113549.2.11', 'sha512'],
]);
const HMAC_SHA1 = '1.2.840.113549.2.7';
/** The digest of an HMAC (RFC 8018, B.1). Throws Pkcs12Fault `unsupported`. */
function digestOfHmac(oid) {
    const digest = HMACS.get(oid);
    if (digest === undefined)
        throw unsupported(`uses an HMAC that this action does not have (${oid})`);
    return digest;
}
/** Bytes that the old function works on at once: the digests' block size (RFC 7292, B.2). */
function blockSize(digest) {
    return digest === 'sha384' || digest === 'sha512' ? 128 : 64;
}
/**
 * Derives the keys of one file within the bounds of its input. Every promise rejects with
 * Pkcs12Fault `damaged` or `unsupported`, or the signal's reason once it is aborted.
 */
class KeyDerivation {
    #signal;
    #budget;
    constructor(signal, budget) {
        this.#signal = signal;
        this.#budget = budget;
    }
    /** The derivation of PKCS#12 itself (RFC 7292, B.2). */
    async old(password, options) {
        const { digest, purpose, salt, iterations, length } = options;
        const block = blockSize(digest);
        const diversifier = Buffer.alloc(block, purpose);
        const input = Buffer.concat([repeated(salt, block), repeated(password.bmp, block)]);
        const parts = [];
        for (let have = 0; have < length; have += parts.at(-1)?.length ?? length) {
            this.#spend(iterations, MOST_OLD_ITERATIONS, 1);
            const derived = await this.#hashed(digest, Buffer.concat([diversifier, input]), iterations);
            parts.push(derived);
            addToBlocks(input, repeated(derived, block).subarray(0, block));
        }
        return Buffer.concat(parts).subarray(0, length);
    }
    async #hashed(digest, start, iterations) {
        let derived = start;
        for (let round = 0; round < iterations; round += 1) {
            if (round % SLICE === 0) {
                await (0,promises_.setImmediate)();
                this.#signal.throwIfAborted();
            }
            derived = (0,external_node_crypto_.hash)(digest, derived, 'buffer');
        }
        return derived;
    }
    /**
     * PBKDF2 by its algorithm identifier (RFC 8018, A.2). `length` in bytes: what the cipher needs; undefined: what the
     * parameters must say themselves (RFC 9579, 4).
     */
    async pbkdf2(password, { oid, parameters }, length) {
        if (oid !== PBKDF2)
            throw unsupported(`derives its key in a way that this action does not have (${oid})`);
        const fields = members(parameters);
        const { salt, iterations } = saltAndIterations(fields);
        const { value: stated, rest } = optionalInteger(fields.slice(2));
        const bytes = length ?? stated ?? 0;
        if (bytes < 1 || bytes > 64 || (stated ?? bytes) !== bytes)
            throw damaged('the length of a key in it is wrong');
        const digest = digestOfHmac(rest[0] === undefined ? HMAC_SHA1 : algorithm(rest[0]).oid);
        this.#spend(iterations, MOST_PBKDF2_ITERATIONS, PBKDF2_COST);
        return this.#unlessAborted((done) => (0,external_node_crypto_.pbkdf2)(password.utf8, salt, iterations, bytes, digest, done));
    }
    /** A thread of Node's pool goes on to its end, but nobody waits for it. */
    #unlessAborted(start) {
        const signal = this.#signal;
        return new Promise((resolve, reject) => {
            signal.throwIfAborted();
            const abort = () => reject(signal.reason);
            signal.addEventListener('abort', abort, { once: true });
            start((error, key) => {
                signal.removeEventListener('abort', abort);
                if (error === null)
                    resolve(key);
                else
                    reject(error);
            });
        });
    }
    #spend(iterations, most, cost) {
        if (iterations < 1)
            throw damaged('a number of iterations in it is 0');
        if (iterations > most) {
            throw unsupported(`asks for ${(0,der/* formatNumber */.ZV)(iterations)} rounds of key derivation, more than ${(0,der/* formatNumber */.ZV)(most)}`);
        }
        if (!this.#budget.afford(iterations * cost))
            throw unsupported('asks for more key derivation than any program writes');
    }
}
/** Whole blocks of `bytes`, over and over; none of nothing. */
function repeated(bytes, block) {
    return Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);
}
/** Each block of `input`, a big-endian number, plus `addend` plus one; what is carried out of the block is lost. */
function addToBlocks(input, addend) {
    for (let start = 0; start < input.length; start += addend.length) {
        let carry = 1;
        for (let at = addend.length - 1; at >= 0; at -= 1) {
            carry += (input[start + at] ?? 0) + (addend[at] ?? 0);
            input[start + at] = carry & 0xff;
            carry >>= 8;
        }
    }
}

// EXTERNAL MODULE: ./node_modules/node-forge/lib/rc2.js
var rc2 = __webpack_require__(6893);
// EXTERNAL MODULE: ./node_modules/node-forge/lib/util.js
var util = __webpack_require__(7456);
;// CONCATENATED MODULE: ./lib/identity/pkcs12-encryption.js







const PBES2 = '1.2.840.113549.1.5.13';
/** RFC 8018, B.2. */
const PBES2_CIPHERS = new Map([
    ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyLength: 16, block: 16 }],
    ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyLength: 24, block: 16 }],
    ['2.16.840.1.101.3.4.1.42', { name: 'aes-256-cbc', keyLength: 32, block: 16 }],
    ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', keyLength: 24, block: 8 }],
]);
/** PKCS#12's own schemes (RFC 7292, C), all with SHA-1: those that programs wrote by default. */
const OLD_CIPHERS = new Map([
    ['1.2.840.113549.1.12.1.3', { name: 'des-ede3-cbc', keyLength: 24, block: 8 }],
    ['1.2.840.113549.1.12.1.4', { name: 'des-ede-cbc', keyLength: 16, block: 8 }],
    ['1.2.840.113549.1.12.1.5', { name: 'rc2', keyLength: 16, block: 8 }],
    ['1.2.840.113549.1.12.1.6', { name: 'rc2', keyLength: 5, block: 8 }],
]);
/**
 * Opens what is locked. Throws Pkcs12Fault: `password` where the padding is wrong, `damaged` or `unsupported`. A wrong
 * password gives right padding once in 256 times: what comes out must be looked at.
 */
function unlock(locked, password, derivation) {
    const { oid } = locked.encryption;
    if (oid === PBES2)
        return unlockPbes2(locked, password, derivation);
    const cipher = OLD_CIPHERS.get(oid);
    if (cipher === undefined)
        throw unknownCipher(oid);
    return unlockOld(cipher, locked, password, derivation);
}
function unknownCipher(oid) {
    return unsupported(`is encrypted with a cipher that this action does not have (${oid})`);
}
async function unlockPbes2(locked, password, derivation) {
    const [function_, scheme] = members(locked.encryption.parameters);
    const { oid, parameters } = algorithm(scheme);
    const cipher = PBES2_CIPHERS.get(oid);
    if (cipher === undefined)
        throw unknownCipher(oid);
    const key = await derivation.pbkdf2(password, algorithm(function_), cipher.keyLength);
    return decrypt(cipher, key, octetString(parameters), locked.encrypted);
}
async function unlockOld(cipher, { encryption, encrypted }, password, derivation) {
    const parameters = { digest: 'sha1', ...saltAndIterations(members(encryption.parameters)) };
    const key = await derivation.old(password, { ...parameters, purpose: 1, length: cipher.keyLength });
    const iv = await derivation.old(password, { ...parameters, purpose: 2, length: cipher.block });
    return decrypt(cipher, key, iv, encrypted);
}
async function decrypt({ name, block }, key, iv, encrypted) {
    if (iv.length !== block)
        throw damaged('an initialisation vector in it has the wrong length');
    if (encrypted.length === 0 || encrypted.length % block !== 0)
        throw damaged('an encrypted part of it is incomplete');
    if (name === 'rc2')
        return unpadded(await decryptRc2(key, iv, encrypted), block);
    const decipher = (0,external_node_crypto_.createDecipheriv)(name, key, iv).setAutoPadding(false);
    return unpadded(Buffer.concat([decipher.update(encrypted), decipher.final()]), block);
}
/** As many bytes as the last one says, all of them the same (RFC 8018, 6.1.1). */
function unpadded(bytes, block) {
    const size = bytes.at(-1) ?? 0;
    const padding = bytes.subarray(bytes.length - size);
    if (size < 1 || size > block || padding.some((byte) => byte !== size)) {
        throw new Pkcs12Fault('password', 'what it decrypts to has no padding');
    }
    return bytes.subarray(0, bytes.length - size);
}
/** Bytes at once: node-forge's time grows with their square. */
const RC2_PIECE = 4096;
/** All bits of the key count. Each piece begins where the one before it ended, as CBC allows. */
async function decryptRc2(key, iv, encrypted) {
    const pieces = [];
    let vector = iv;
    for (let at = 0; at < encrypted.length; at += RC2_PIECE) {
        const piece = encrypted.subarray(at, at + RC2_PIECE);
        const decipher = rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8);
        decipher.start(vector.toString('latin1'));
        decipher.update(util.createBuffer(piece.toString('latin1')));
        decipher.finish(() => true);
        pieces.push(Buffer.from(decipher.output.getBytes(), 'latin1'));
        vector = piece.subarray(piece.length - iv.length);
        await (0,promises_.setImmediate)();
    }
    return Buffer.concat(pieces);
}

// EXTERNAL MODULE: ./lib/text.js
var lib_text = __webpack_require__(8804);
;// CONCATENATED MODULE: ./lib/identity/pkcs12-key.js


/** Aliases that a sentence names. */
const MOST_NAMED = 10;
/**
 * The one key of a PKCS#12 file, or the one that `alias` names. `where`: `client-cert (client.p12)`. Throws PublishError
 * E_KEY_AMBIGUOUS (several keys, no alias or a shared one) or E_KEY_MISSING (no key of this alias).
 */
function chooseKey({ keys, certificates }, alias, where) {
    const candidates = keys.map((key) => ({ key, aliases: aliasesOf(key, certificates) }));
    const fitting = alias === undefined ? candidates : named(candidates, alias);
    const [chosen, ...others] = fitting;
    if (others.length > 0)
        throw new errors/* PublishError */.S1(ambiguous(candidates, alias, where));
    if (chosen === undefined && candidates.length > 0)
        throw new errors/* PublishError */.S1(unknownAlias(candidates, alias ?? '', where));
    const foreign = new Set(keys.filter((key) => key !== chosen?.key).map(({ localKeyId }) => localKeyId));
    foreign.delete(chosen?.key.localKeyId);
    return {
        key: chosen?.key,
        certificates: certificates.filter(({ localKeyId }) => localKeyId === undefined || !foreign.has(localKeyId)),
    };
}
/** Windows gives the name that people see to the certificate, and the name of its own container to the key. */
function aliasesOf({ alias, localKeyId }, certificates) {
    const own = localKeyId === undefined ? [] : certificates.filter((one) => one.localKeyId === localKeyId);
    const names = [alias, ...own.map((one) => one.alias)];
    return [...new Set(names.filter((name) => name !== undefined && name !== ''))].filter((name) => name !== undefined);
}
/** keytool makes every alias lower case: where no name is exactly the one given, case does not count. */
function named(candidates, alias) {
    const exact = candidates.filter(({ aliases }) => aliases.includes(alias));
    if (exact.length > 0)
        return exact;
    const lower = alias.toLowerCase();
    return candidates.filter(({ aliases }) => aliases.some((one) => one.toLowerCase() === lower));
}
function ambiguous(candidates, alias, where) {
    const message = alias === undefined
        ? `${where} is a PKCS#12 file with ${candidates.length} private keys, and client-key-alias names none of them: ${list(candidates)}`
        : `client-key-alias names several of the private keys in ${where}: ${list(candidates)}`;
    return {
        code: 'E_KEY_AMBIGUOUS',
        message,
        hint: 'Give the alias of one of them as client-key-alias, or export the one that you need into a file of its own.',
    };
}
function unknownAlias(candidates, alias, where) {
    return {
        code: 'E_KEY_MISSING',
        message: `client-key-alias is \`${(0,lib_text/* printable */.g$)(alias, 60)}\`, but the ${candidates.length === 1 ? 'private key' : 'private keys'} in ${where} ${candidates.length === 1 ? 'has' : 'have'} the alias ${list(candidates)}`,
        hint: candidates.length === 1
            ? 'Write that alias, or leave client-key-alias out: there is one key only.'
            : 'Write one of these aliases.',
    };
}
function list(candidates) {
    const names = candidates.flatMap(({ aliases: [first] }) => first === undefined ? [] : [`\`${(0,lib_text/* printable */.g$)(first, 60)}\``]);
    const nameless = candidates.length - names.length;
    const left = names.length - MOST_NAMED;
    return [
        ...names.slice(0, MOST_NAMED),
        ...(left > 0 ? [`${(0,lib_text/* count */.U9)(left, 'other')}`] : []),
        ...(nameless > 0 ? [`${nameless} without an alias`] : []),
    ].join(', ');
}

;// CONCATENATED MODULE: ./lib/identity/pkcs12-mac.js




const PBMAC1 = '1.2.840.113549.1.5.14';
const DIGESTS = new Map([
    ['1.2.840.113549.2.5', { name: 'md5', length: 16 }],
    ['1.3.14.3.2.26', { name: 'sha1', length: 20 }],
    ['2.16.840.1.101.3.4.2.4', { name: 'sha224', length: 28 }],
    ['2.16.840.1.101.3.4.2.1', { name: 'sha256', length: 32 }],
    ['2.16.840.1.101.3.4.2.2', { name: 'sha384', length: 48 }],
    ['2.16.840.1.101.3.4.2.3', { name: 'sha512', length: 64 }],
]);
/**
 * Whether the file was made with this password and is unaltered: RFC 7292, 5.1 step 4, or PBMAC1 (RFC 9579, 4). Throws
 * Pkcs12Fault `damaged` or `unsupported`.
 */
async function isMacRight(mac, content, password, derivation) {
    const { digest, key } = await macKey(mac, password, derivation);
    return (0,external_node_crypto_.createHmac)(digest, key).update(content).digest().equals(mac.digest);
}
async function macKey({ algorithm: given, salt, iterations }, password, derivation) {
    if (given.oid === PBMAC1) {
        const [function_, scheme] = members(given.parameters);
        const digest = digestOfHmac(algorithm(scheme).oid);
        return { digest, key: await derivation.pbkdf2(password, algorithm(function_), undefined) };
    }
    const digest = DIGESTS.get(given.oid);
    if (digest === undefined)
        throw unsupported(`is protected by a digest that this action does not have (${given.oid})`);
    const { name, length } = digest;
    return { digest: name, key: await derivation.old(password, { digest: name, purpose: 3, salt, iterations, length }) };
}

// EXTERNAL MODULE: ./lib/identity/private-key.js + 2 modules
var private_key = __webpack_require__(8488);
;// CONCATENATED MODULE: ./lib/identity/pkcs12.js









const CONVERT = 'Convert it with `openssl pkcs12 -in client.p12 -out client.pem -nodes` (for an old file add `-legacy`), and store client.pem, which holds certificates and key, as client-cert.';
/**
 * Opens a PKCS#12 file (RFC 7292, RFC 9579). What is in it is data only: its CA certificates are candidates for our own
 * chain, and nobody's trust. Throws PublishError E_CERT_UNREADABLE (damaged), E_KEY_UNSUPPORTED (a cipher that we lack, or
 * too much key derivation), E_KEY_PASSPHRASE_MISSING, E_KEY_PASSPHRASE_WRONG, E_KEY_AMBIGUOUS, E_KEY_MISSING,
 * E_KEY_UNREADABLE, E_INPUT_CONFLICT (it holds a key, and `client-key` is given); the signal's reason once it is aborted.
 */
async function openPkcs12({ where, bytes }, request) {
    try {
        const file = readPkcs12(bytes);
        const derivation = new KeyDerivation(request.signal, request.budget);
        let isPassword = false;
        for (const { password, use } of attemptsOf(request.passphrase)) {
            if (file.mac !== undefined) {
                if (!(await isMacRight(file.mac, file.content, password, derivation)))
                    continue;
                isPassword = true;
            }
            const opened = await tryPassword(file, { password, use }, derivation, where, request);
            if (opened !== undefined)
                return opened;
        }
        throw isPassword ? otherPassword(where) : notOpened(where, request.passphrase);
    }
    catch (error) {
        throw error instanceof Pkcs12Fault ? explain(error, where) : error;
    }
}
/** As given, then without one line end. An empty password is written in two ways (RFC 7292, B.1): both are tried. */
function attemptsOf(passphrase) {
    const use = (text, how) => {
        const written = { password: passwordOf(text), use: how };
        return text === '' ? [written, { password: { bmp: Buffer.alloc(0), utf8: Buffer.alloc(0) }, use: how }] : [written];
    };
    if (passphrase === undefined)
        return use('', undefined);
    const trimmed = (0,private_key/* withoutLineEnd */.oI)(passphrase);
    return [...use(passphrase, 'as given'), ...(trimmed === passphrase ? [] : use(trimmed, 'without its line end'))];
}
function passwordOf(text) {
    return { bmp: Buffer.from(`${text}\0`, 'utf16le').swap16(), utf8: Buffer.from(text, 'utf8') };
}
/** Undefined: what is locked inside does not open. */
async function tryPassword(file, { password, use }, derivation, where, request) {
    const { mac, safes } = file;
    try {
        const bags = await unlockBags(safes, password, derivation);
        if (bags.keys.length > 0 && request.hasOtherKey)
            throw keyInBoth(where);
        const { key, certificates } = chooseKey(bags, request.alias, where);
        const opened = key && (await openBag(key, password, derivation, where, request.budget));
        const isUsed = mac !== undefined || [...safes, ...(key === undefined ? [] : [key])].some(isLocked);
        const passphrase = isUsed ? use : undefined;
        return { certificates: certificates.map(({ der }) => der), key: opened && { key: opened, passphrase }, passphrase };
    }
    catch (error) {
        if (!(error instanceof Pkcs12Fault) || error.reason !== 'password')
            throw error;
        return undefined;
    }
}
function isLocked(safe) {
    return 'encrypted' in safe;
}
async function unlockBags(safes, password, derivation) {
    const found = [];
    for (const safe of safes) {
        found.push('data' in safe ? readBags(safe.data) : readUnlocked(await unlock(safe, password, derivation)));
    }
    return { keys: found.flatMap(({ keys }) => keys), certificates: found.flatMap(({ certificates }) => certificates) };
}
/** What a wrong password made of it, now and then, is bytes without structure. */
function readUnlocked(data) {
    try {
        return readBags(data);
    }
    catch (error) {
        if (!(error instanceof Pkcs12Fault) || error.reason !== 'damaged')
            throw error;
        throw new Pkcs12Fault('password', error.message);
    }
}
async function openBag(bag, password, derivation, where, budget) {
    const bytes = 'data' in bag ? bag.data : await unlock(bag, password, derivation);
    if ((0,kind/* kindOfDer */.x6)(bytes) !== 'pkcs8') {
        throw new Pkcs12Fault(isLocked(bag) ? 'password' : 'damaged', 'its private key is no PKCS#8');
    }
    const block = { where: `the private key in ${where}`, bytes, label: undefined, encryption: undefined };
    return (0,private_key/* openKey */.ay)({ ...block, kind: 'pkcs8', certificates: [] }, undefined, budget).key;
}
function explain({ reason, message }, where) {
    if (reason === 'unsupported') {
        return new errors/* PublishError */.S1({
            code: 'E_KEY_UNSUPPORTED',
            message: `${where} is a PKCS#12 file that ${message}`,
            hint: CONVERT,
        });
    }
    return new errors/* PublishError */.S1({
        code: 'E_CERT_UNREADABLE',
        message: `${where} is a PKCS#12 file that cannot be read: ${message}`,
        hint: 'Store the whole file again, unchanged; if it stays so, export it again.',
    });
}
function notOpened(where, passphrase) {
    if (passphrase === undefined) {
        return new errors/* PublishError */.S1({
            code: 'E_KEY_PASSPHRASE_MISSING',
            message: `${where} is a PKCS#12 file with a password, but client-key-passphrase is empty`,
            hint: 'Give its password as client-key-passphrase, from a secret that this job can read.',
        });
    }
    return new errors/* PublishError */.S1({
        code: 'E_KEY_PASSPHRASE_WRONG',
        message: `client-key-passphrase does not open ${where}, a PKCS#12 file`,
        hint: 'Check that the password belongs to this file (blanks and quotes around it count), or open the file on your machine to see: `openssl pkcs12 -in client.p12 -noout` (for an old file add `-legacy`). A file that was altered gives the same answer.',
    });
}
function otherPassword(where) {
    return new errors/* PublishError */.S1({
        code: 'E_KEY_PASSPHRASE_WRONG',
        message: `client-key-passphrase is the password of ${where}, but not of what is locked inside: that has another password`,
        hint: 'Export certificate and key again into a file with one password.',
    });
}
function keyInBoth(where) {
    return new errors/* PublishError */.S1({
        code: 'E_INPUT_CONFLICT',
        message: `client-key is given, but ${where} is a PKCS#12 file that holds its own private key`,
        hint: 'Leave client-key out, or give the certificates alone as client-cert.',
    });
}


/***/ })

};
