/**
 * Certificate material on a file system in memory: what is written, how, and how it goes away. The private key is
 * written only for `export-credentials`.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants as fs,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'

import { errorCodeOf, PublishError } from './errors.ts'
import type { Runner } from './runner.ts'
import { count } from './text.ts'

/** Who owns a directory: the parent process (the runner's worker lives from main to post), this boot, these processes. */
export interface Owner {
  /** 0 where the parent cannot be known (process 1 of a container). */
  readonly parentPid: number
  /** Clock ticks since boot at which the parent began; `0` where it cannot be known. */
  readonly parentStart: string
  readonly bootId: string
  readonly pidNamespace: string
}

export interface MaterialPlaces {
  /** A file system in memory, or undefined (macOS, Windows, some containers). */
  readonly tmpfs: string | undefined
  /** The runner's temporary directory. */
  readonly temp: string
}

/** Name under which the main step hands the directory's path to the post step. */
export const MATERIAL_STATE = 'material'

const PREFIX = 'publish-python-mtls'
const NAME_PATTERN = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-([0-9a-f]+)-(\\d+)-[A-Za-z0-9]{6}$`)

/** Types of statfs(2): tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6]

/** The first directory of the machine that lives in memory and that we can write to. */
export function findTmpfs(uid: number | undefined): string | undefined {
  if (process.platform !== 'linux') return undefined
  return ['/dev/shm', `/run/user/${uid ?? 0}`].find((directory) => {
    try {
      accessSync(directory, fs.W_OK)
      return MEMORY_FILE_SYSTEMS.includes(statfsSync(directory).type) && lstatSync(directory).isDirectory()
    } catch {
      return false
    }
  })
}

/** The owner that a directory made by this process gets into its name. */
export function currentOwner(): Owner {
  const parentPid = process.ppid
  return {
    parentPid,
    parentStart: startOf(parentPid) ?? '0',
    bootId: readTrimmed('/proc/sys/kernel/random/boot_id').replaceAll('-', '') || '0',
    pidNamespace: /\d+/.exec(readLink('/proc/self/ns/pid'))?.[0] ?? '0',
  }
}

/** Field 22 of /proc/PID/stat (proc(5)); the program's name before it may hold blanks and brackets. */
function startOf(pid: number): string | undefined {
  const status = readTrimmed(`/proc/${pid}/stat`)
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
}

function readTrimmed(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim()
  } catch {
    return ''
  }
}

function readLink(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

/** A directory of its own, 0700, with files that only its owner can read. */
export class Material {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /** Makes the directory, empty. Nothing may be written before its path was saved as state. Throws E_MATERIAL_WRITE. */
  static create(base: string, owner: Owner): Material {
    const name = [PREFIX, owner.parentPid, owner.parentStart, owner.bootId, owner.pidNamespace, ''].join('-')
    try {
      return new Material(mkdtempSync(path.join(base, name)))
    } catch (error) {
      throw writeFault(base, error)
    }
  }

  /** Writes one new file, 0600, and returns its path. Throws E_MATERIAL_WRITE. */
  write(name: string, content: string): string {
    const file = path.join(this.directory, name)
    let descriptor: number | undefined
    try {
      // Exclusive, which follows no link: a file or link that is there already was put there by somebody else.
      descriptor = openSync(file, fs.O_WRONLY | fs.O_CREAT | fs.O_EXCL, 0o600)
      const bytes = Buffer.from(content, 'utf8')
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
      return file
    } catch (error) {
      throw writeFault(this.directory, error)
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }
}

function writeFault(place: string, cause: unknown): PublishError {
  return new PublishError({
    code: 'E_MATERIAL_WRITE',
    message: `the certificate material cannot be written below ${place}`,
    hint: 'Check that the directory has room and that the runner may write to it.',
    cause,
  })
}

/**
 * Removes a directory that an earlier step made. Only a real directory with our name pattern, of this user, directly in
 * one of the two places: the path comes back from the runner's state, and a wrong one must not delete anything else.
 * Returns whether it is gone.
 */
export function removeMaterial(directory: string, { tmpfs, temp }: MaterialPlaces): boolean {
  const parent = path.dirname(directory)
  const name = path.basename(directory)
  const places = [tmpfs, temp === '' ? undefined : path.resolve(temp)]
  // Exactly as it was made: a slash at the end would follow a link.
  if (!places.includes(parent) || !NAME_PATTERN.test(name) || directory !== path.join(parent, name)) return false
  if (!isOurDirectory(directory)) return !exists(directory)
  // A directory that was made unreadable cannot be emptied.
  chmodSync(directory, 0o700)
  rmSync(directory, { recursive: true, force: true })
  return true
}

function isOurDirectory(directory: string): boolean {
  try {
    const status = lstatSync(directory)
    return status.isDirectory() && (process.getuid === undefined || status.uid === process.getuid())
  } catch {
    return false
  }
}

function exists(file: string): boolean {
  try {
    lstatSync(file)
    return true
  } catch {
    return false
  }
}

/**
 * Removes what killed runs left on the tmpfs: directories of this user, boot and pid namespace whose owner is known to be
 * gone. Where the owner cannot be known nothing is touched: it may belong to a job that runs now. Never throws: what
 * cannot be removed stays for the next run. Returns how many are gone.
 */
export function sweep(tmpfs: string, owner: Owner): number {
  const abandoned = namesIn(tmpfs).filter((name) => isAbandoned(name, owner))
  return abandoned.filter((name) => {
    try {
      return removeMaterial(path.join(tmpfs, name), { tmpfs, temp: '' })
    } catch {
      // Another run sweeps at the same moment.
      return false
    }
  }).length
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function isAbandoned(name: string, owner: Owner): boolean {
  const [, pid, start, bootId, pidNamespace] = NAME_PATTERN.exec(name) ?? []
  if ([pid, start, bootId, pidNamespace].some((part) => part === undefined || part === '0')) return false
  if (bootId !== owner.bootId || pidNamespace !== owner.pidNamespace) return false
  const found = startOf(Number(pid))
  // Another process can have the number by now: then its start differs.
  return found === undefined ? isGone(Number(pid)) : found !== start
}

/** /proc can hide the processes of other users (hidepid): only the kernel's "no such process" is an answer. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return errorCodeOf(error) === 'ESRCH'
  }
}

/** What may lie in files of the material: `''` where there is none. PEM. */
export interface Certificates {
  readonly chainPem: string
  readonly caPem: string
}

/** Paths of what was exported; `caBundle` is `''` where the system's CAs are trusted. */
export interface ExportedPaths {
  readonly clientCert: string
  readonly clientKey: string
  /** Certificate chain and key in one file: what pip and uv take. */
  readonly clientPem: string
  readonly caBundle: string
}

const FILES = { chain: 'client-cert.pem', key: 'client-key.pem', both: 'client.pem', ca: 'ca-bundle.pem' } as const

/** Characters: shorter lines are in too many innocent texts to be masked. */
const SHORTEST_LINE = 16

/** When a run writes its material, and when it goes. */
export class MaterialKeeper {
  readonly #runner: Runner
  readonly #tmpfs = findTmpfs(process.getuid?.())
  #material: Material | undefined

  constructor(runner: Runner) {
    this.#runner = runner
  }

  /** False where files can only lie on disk. */
  get inMemory(): boolean {
    return this.#tmpfs !== undefined
  }

  /** Removes what killed runs of this machine left. */
  sweep(): void {
    const removed = this.#tmpfs === undefined ? 0 : sweep(this.#tmpfs, currentOwner())
    if (removed > 0) this.#runner.log('Swept', `removed what ${count(removed, 'killed run')} left on ${this.#tmpfs}`)
  }

  /**
   * Writes what is public, and only to memory. Throws E_MATERIAL_WRITE where it is `needed`: a full tmpfs does not keep
   * anybody else from publishing.
   */
  keep(certificates: Certificates, needed: boolean): void {
    if (certificates.chainPem === '' || this.#tmpfs === undefined) return
    try {
      this.#create(this.#tmpfs, certificates)
    } catch (error) {
      this.remove()
      this.#material = undefined
      if (needed || !(error instanceof PublishError)) throw error
      this.#runner.log('Material', `${error.message}; nothing needs it in this run`)
    }
  }

  /** Writes the key too; masks it first. Without a file system in memory, to the runner's temporary directory. Throws E_MATERIAL_WRITE. */
  export(certificates: Certificates, keyPem: string): ExportedPaths {
    const material = this.#material ?? this.#create(this.#runner.facts.temp, certificates)
    for (const line of linesToHide(keyPem)) this.#runner.mask(line)
    return {
      clientCert: path.join(material.directory, FILES.chain),
      clientKey: material.write(FILES.key, keyPem),
      clientPem: material.write(FILES.both, certificates.chainPem + keyPem),
      caBundle: certificates.caPem === '' ? '' : path.join(material.directory, FILES.ca),
    }
  }

  #create(base: string, { chainPem, caPem }: Certificates): Material {
    const material = Material.create(path.resolve(base), currentOwner())
    this.#material = material
    // Before anything is written: the post step must find it even when this process is killed.
    this.#runner.saveState(MATERIAL_STATE, material.directory)
    material.write(FILES.chain, chainPem)
    if (caPem !== '') material.write(FILES.ca, caPem)
    return material
  }

  /** Removes everything of this run. Never throws: a run must end with its report, and the post step tries again. */
  remove(): void {
    if (this.#material === undefined) return
    const { directory } = this.#material
    try {
      if (removeMaterial(directory, { tmpfs: this.#tmpfs, temp: this.#runner.facts.temp })) return
      this.#runner.log('Material', `${directory} is not removed: it is no longer the directory that was made`)
    } catch (error) {
      this.#runner.log('Material', `${directory} is not removed (${errorCodeOf(error) ?? 'unknown error'})`)
    }
  }
}

/** The base64 of a key, line by line and as one: never the BEGIN and END lines, nor a last line too short to be a secret. */
function linesToHide(keyPem: string): string[] {
  const body = keyPem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'))
  return [body.join(''), ...body].filter((line) => line.length >= SHORTEST_LINE)
}
