import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkOptions, restriction } from '@countersign/protocol/internal'
import type { CheckpointHead } from '../note/checkpoint.js'
import { parseVerifierKey, type VerifierKey, verifyCheckpointBy } from '../note/verifier-key.js'
import { cosignatureTime } from '../note/witness.js'
import { tileWidth } from '../tree/tile.js'
import { type AuditFault, type FaultList, listFaults } from './audit-fault.js'
import { compareEvents } from './compare-events.js'
import { type ReadTree, readTree } from './compare-tree.js'
import { exportFiles } from './export-files.js'
import { linesOf, smallFile } from './lines.js'

/** What to verify, and with what. */
export interface VerifyAuditOptions {
  /** The folder of an export. */
  readonly folder: string
  /** Keys of the log, the present one and earlier ones, `NAME+KEYID+BASE64`. Take them from elsewhere than the export. */
  readonly publicKeys: readonly string[]
  /** Checkpoints that were kept elsewhere: only they show that the log was cut or replaced as a whole. */
  readonly kept?: readonly string[]
  /** Key of a witness: the newest checkpoint must be cosigned by it. */
  readonly witness?: string
}

/** What was found. */
export interface AuditReport {
  /** Whether there is no fault. */
  readonly ok: boolean
  /** Leaves of the log at its newest checkpoint. */
  readonly size: number
  /** Events in the export. */
  readonly events: number
  /** The first event in the export. Why those before are not there, by the retention or otherwise, no export can tell. */
  readonly first: number
  /** Checkpoints that were compared with the tree, those that were given among them. */
  readonly checkpoints: number
  /** The first hundred faults. */
  readonly faults: readonly AuditFault[]
  /** Whether there are more. */
  readonly isCut: boolean
}

/** The most checkpoints with another root that are told. */
const mostWrong = 1000
/** The longest checkpoint that is read. */
const maxNote = 16_384

/**
 * Verifies the export of a log offline: that its events are those that were signed, all of them, in their order, and that all
 * checkpoints are of one history. Reads files as streams; memory does not grow with the log.
 * @throws AuditError `malformed` for a key that is none
 * @example
 * ```ts
 * import { verifyAudit } from '@countersign/audit'
 *
 * const { ok, faults } = await verifyAudit({ folder: 'export', publicKeys: ['auth.example+3f4a…'] })
 * console.log(ok ? 'nothing was changed' : faults)
 * ```
 */
export async function verifyAudit(options: VerifyAuditOptions): Promise<AuditReport> {
  checkOptions(
    'verifyAudit',
    options,
    { folder: 'string', publicKeys: 'strings', kept: restriction('strings'), witness: restriction('string') },
    ['folder', 'publicKeys'],
  )
  const { folder, publicKeys, kept = [], witness } = options
  const keys = publicKeys.map(parseVerifierKey)
  const faults = listFaults()
  // Told apart from what is in it: an export without its checkpoints would hide a fork, and one without its events a removal.
  for (const path of Object.values(exportFiles))
    if (!existsSync(join(folder, path))) faults.add({ kind: 'missing', path })
  const note = (await smallFile(join(folder, exportFiles.checkpoint), maxNote))?.toString()
  const newest = verified(note, keys)
  if (newest === undefined || note === undefined) {
    if (existsSync(join(folder, exportFiles.checkpoint))) faults.add({ kind: 'signature', of: 'checkpoint' })
    return { ok: false, size: 0, events: 0, first: 0, checkpoints: 0, faults: faults.found, isCut: false }
  }
  if (witness !== undefined && cosignatureTime(note, witness) === undefined) faults.add({ kind: 'witness' })
  const others = keptHeads(kept, { keys, newest, faults })
  const heads = headsOf(folder, { keys, newest, faults, others })
  const found = await compare(folder, { newest, heads, faults })
  return { ok: faults.found.length === 0, size: newest.size, ...found, faults: faults.found, isCut: faults.isCut }
}

function verified(note: string | undefined, keys: readonly VerifierKey[]): CheckpointHead | undefined {
  for (const key of keys) {
    try {
      return verifyCheckpointBy(note ?? '', key)
    } catch {
      // Perhaps of another key; without one it is a fault.
    }
  }
  return undefined
}

/** Heads that were given, in the order of their size; those beyond the export show that it was cut. */
function keptHeads(
  kept: readonly string[],
  {
    keys,
    newest,
    faults,
  }: { readonly keys: readonly VerifierKey[]; readonly newest: CheckpointHead; readonly faults: FaultList },
): CheckpointHead[] {
  const heads = kept.flatMap((note, at) => {
    const head = verified(note, keys)
    if (head === undefined) faults.add({ kind: 'signature', of: 'kept', at })
    else if (head.size > newest.size) faults.add({ kind: 'truncated', size: newest.size, expected: head.size })
    else return [head]
    return []
  })
  return heads.sort((one, other) => one.size - other.size)
}

/** All heads in the order of their size: those of the file, with those that were given between them. */
async function* headsOf(
  folder: string,
  {
    keys,
    newest,
    faults,
    others,
  }: {
    readonly keys: readonly VerifierKey[]
    readonly newest: CheckpointHead
    readonly faults: FaultList
    readonly others: CheckpointHead[]
  },
): AsyncGenerator<CheckpointHead> {
  const path = join(folder, exportFiles.checkpoints)
  let last = 0
  let at = 0
  if (existsSync(path)) {
    for await (const line of linesOf(path)) {
      at++
      const head = verified(noteIn(line), keys)
      // A tree that does not grow cannot be of the same history.
      if (head === undefined || head.size <= last) {
        faults.add(
          head === undefined ? { kind: 'signature', of: 'checkpoints', at } : { kind: 'fork', size: head.size },
        )
        continue
      }
      last = head.size
      while ((others[0]?.size ?? Number.POSITIVE_INFINITY) <= head.size) yield others.shift() as CheckpointHead
      yield head
    }
    // An export ends with its newest checkpoint: one that does not was cut, and with it perhaps a fork.
    if (last < newest.size) faults.add({ kind: 'missing', path: exportFiles.checkpoints, size: newest.size })
  }
  yield* others
}

function noteIn(line: string | undefined): string | undefined {
  try {
    const { note } = JSON.parse(line ?? '') as { readonly note?: unknown }
    return typeof note === 'string' && note.length <= maxNote ? note : undefined
  } catch {
    return undefined
  }
}

interface Compared {
  readonly newest: CheckpointHead
  readonly heads: AsyncGenerator<CheckpointHead>
  readonly faults: FaultList
}

async function compare(folder: string, { newest, heads, faults }: Compared) {
  const path = join(folder, exportFiles.events)
  const events = compareEvents(existsSync(path) ? linesOf(path) : noLines(), faults)
  const first = Math.min((await events.first()) ?? newest.size, newest.size)
  // Whole tiles lose their events, so the rest of a tile was removed otherwise.
  const from = Math.floor(first / tileWidth) * tileWidth
  const tree = readTree(folder, newest.size, faults)
  const roots = await compareRoots(tree, { newest, heads, faults })
  if (roots.next() === 0) await roots.compare()
  for (let number = 0; number * tileWidth < newest.size; number++) {
    const leaves = await tree.readTile(number)
    if (leaves === undefined) break
    const start = number * tileWidth
    for (const leaf of leaves) {
      tree.append(leaf)
      if (tree.size === roots.next()) await roots.compare()
    }
    await tree.compareAbove(false)
    if (start < from) continue
    await tree.compareBundle(number, leaves)
    await events.addLeaves(leaves.map((hash, at) => ({ index: start + at, hash })))
  }
  await tree.compareAbove(true)
  await events.end()
  await roots.end()
  return { events: events.lines, first: from, checkpoints: roots.compared() }
}

async function* noLines(): AsyncGenerator<string> {}

/** Compares the tree with each signed root at its size. */
async function compareRoots(tree: ReadTree, { newest, heads, faults }: Compared) {
  // bound: one call
  const wrong: number[] = []
  const note = (size: number): void => {
    if (wrong.length < mostWrong) wrong.push(size)
  }
  let compared = 0
  let right = 0
  const advance = async (): Promise<CheckpointHead | undefined> => {
    const { value } = (await heads.next()) as IteratorResult<CheckpointHead, undefined>
    return value
  }
  let next = await advance()
  return {
    next: () => next?.size,
    compared: () => compared,
    async compare() {
      const root = tree.root()
      for (; next?.size === tree.size; next = await advance()) {
        compared++
        if (Buffer.compare(next.root, root) !== 0) note(next.size)
        else if (wrong.length === 0) right = next.size
      }
    },
    async end() {
      // Signatures after the end are checked as well.
      for (; next !== undefined; next = await advance()) note(next.size)
      const isSigned = tree.size === newest.size && Buffer.compare(tree.root(), newest.root) === 0
      if (isSigned) for (const size of new Set(wrong)) faults.add({ kind: 'fork', size })
      else faults.add({ kind: 'root', after: right, size: Math.min(...wrong, newest.size) })
    },
  }
}
