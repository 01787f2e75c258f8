import { randomUUID } from 'node:crypto'
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generatePrivateJwk, importSigningKey, type PrivateJwk, thumbprint } from '@countersign/httpsig'
import { checkOptions, type OptionChecks } from '@countersign/httpsig/internal'
import { syncFolder, writeDurably } from '../internal/durable-file.js'
import type { PublishedKey } from './published-key.js'

const mostBytes = 256 * 1024

/** The options of {@link keysFile}. */
export interface KeysFileOptions {
  /**
   * What to do when the file is missing. `make`, the default, makes one with a new key: for a first start. `refuse` throws: for a server
   * that has run before, whose volume may not be mounted. With a new key, all earlier tokens and delegates are refused.
   */
  readonly missing?: 'make' | 'refuse'
  /** Called when a file was made. Default: a line on stderr. */
  readonly onMade?: (path: string) => void
}

/**
 * Reads the signing keys of a participant from a JWK set with private members. The first key signs, the others are published only. When
 * the file is missing, it makes one with an Ed25519 key.
 * @param path of the file; its folder must exist
 * @throws Error that names the file, when other users may read it, or when it is not a set of private keys with unique `kid`s
 */
export async function keysFile(path: string, options: KeysFileOptions = {}): Promise<PublishedKey[]> {
  checkOptions('keysFile', options, checks)
  const { missing = 'make', onMade = tellMade } = options
  const found = await readPrivate(path)
  if (found !== undefined) return parseKeys(path, found)
  if (missing === 'refuse') throw new Error(`there is no key file ${path}`)
  const made = await parseKeys(path, await create(path))
  onMade(path)
  return made
}

const checks: OptionChecks<KeysFileOptions> = { missing: ['make', 'refuse'], onMade: 'function' }

function tellMade(path: string): void {
  process.stderr.write(`countersign: made a new signing key in ${path}\n`)
}

async function readPrivate(path: string): Promise<string | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mode, size } = await file.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new Error(
        `the key file ${path} can be read by others: chmod 600 it, and replace the keys if others could have`,
      )
    }
    if (size > mostBytes) throw new Error(`the key file ${path} is too large`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function create(path: string): Promise<string> {
  const jwk = await generatePrivateJwk()
  const { d: _private, ...publicJwk } = jwk
  const kid = (await thumbprint(publicJwk)).slice(0, 16)
  const text = `${JSON.stringify({ keys: [{ ...jwk, kid, use: 'sig' }] }, null, 2)}\n`
  const temporary = `${path}.${randomUUID()}`
  await writeDurably(temporary, text)
  try {
    await linkOrRename(temporary, path)
    await syncFolder(dirname(path))
  } finally {
    await unlink(temporary).catch(() => {})
  }
  // Another process may have been first: then its key is used.
  return (await readPrivate(path)) ?? text
}

/** Uses a link, which never replaces an existing file; if the file system has no links, a rename. */
async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') return rename(from, to)
    throw error
  }
}

async function parseKeys(path: string, text: string): Promise<PublishedKey[]> {
  const wrong = (why: string): Error => new Error(`the key file ${path} ${why}`)
  let set: unknown
  try {
    set = JSON.parse(text)
  } catch {
    // Without the cause, whose message quotes the file.
    throw wrong('is not JSON')
  }
  const entries = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  if (!Array.isArray(entries) || entries.length === 0) throw wrong('is not a JWK set with at least one key')
  const keys: PublishedKey[] = []
  for (const [index, entry] of entries.entries()) {
    const kid: unknown = entry?.kid
    if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(kid)) throw wrong(`has no usable kid in key ${index}`)
    if (keys.some(key => key.kid === kid)) throw wrong('has the same kid twice')
    try {
      keys.push({ kid, key: await importSigningKey(entry as PrivateJwk) })
    } catch {
      throw wrong(`has a key ${index} that is not a private JWK of a supported algorithm with alg`)
    }
  }
  return keys
}
