import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../processes.fixture.js'
import { playedParticipants, siteProgram } from './judged.fixture.js'
import type { Mutant } from './mutants.fixture.js'
import { siteOffers } from './site-offers.fixture.mjs'

/** What the site runs on. */
export const adapters = ['node', 'express', 'fastify', 'hono', 'fetch'] as const

/** What a Fetch handler cannot see: its platform has parsed the target, and taken the first of two hosts. */
export const unseenByFetch: readonly string[] = ['COV-24', 'COV-34', 'sig.target.form']

/** A program with arguments, and what it is given. */
export interface Started {
  readonly program: string[]
  readonly env: Readonly<Record<string, string>>
}

/** This Node; with a mutant, one line of what it runs is another. */
export function startedNode(mutant: Pick<Mutant, 'file' | 'find' | 'replace'> | undefined): Started {
  const mutate = ['--import', pathToFileURL(join(root, 'tests/conformance/mutate.fixture.mjs')).href]
  return {
    program: [process.execPath, ...(mutant === undefined ? [] : mutate)],
    env: { CONFORMANCE_MUTANT: JSON.stringify(mutant) },
  }
}

/** What runs, for the suite to judge. */
export interface Subject {
  readonly url: string
  readonly configuration: object
}

/** Starts a guarded API that trusts the auth server of the suite. `more` are further arguments of its program. */
export async function startSite(
  place: Stand,
  adapter: string,
  { mutant, more = [] }: { readonly mutant?: Mutant; readonly more?: readonly string[] } = {},
): Promise<Subject> {
  const participants = await playedParticipants()
  const port = await freePort()
  const authServer = `http://localhost:${participants['authServer']?.port}`
  const [downstream, oauthServer] = ['downstream', 'oauthServer'].map(
    name => `http://localhost:${participants[name]?.port}`,
  ) as [string, string]
  const known = [String(port), authServer, downstream, oauthServer]
  await place.start(adapter, [siteProgram, adapter, ...known, ...more], startedNode(mutant))
  return { url: `http://localhost:${port}`, configuration: siteOffers(adapter, participants) }
}
