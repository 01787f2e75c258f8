import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { type Finished, root, run, type Stand } from '../processes.fixture.js'
import { playedAroundResource } from './site-offers.fixture.mjs'

/** What `checks.json` says of a run. */
export interface Checks {
  readonly conforms: boolean
  readonly verdicts: Readonly<Record<string, string>>
  readonly counts: Readonly<Record<string, number>>
  readonly checks: ReadonlyArray<{ readonly id: string; readonly verdict: string; readonly reason?: string }>
  readonly causes: ReadonlyArray<{
    readonly kind: string
    readonly sentence: string
    readonly cases: ReadonlyArray<{ readonly id: string; readonly title: string }>
  }>
}

/** Ports of the participants that the suite plays. */
export async function playedParticipants(): Promise<Partial<Record<string, { port: number }>>> {
  const ports: Array<[string, { port: number }]> = []
  for (const name of playedAroundResource) ports.push([name, { port: await freePort() }])
  return Object.fromEntries(ports)
}

/** What a run of the suite left behind. */
export interface JudgedRun extends Finished {
  readonly checks: Checks
  /** The folder of the results. */
  readonly folder: string
}

/** Runs the suite, and reads what it has found. */
export function judge(stand: Stand, args: readonly string[], configuration: object): Promise<JudgedRun> {
  return judgeInto(join(stand.folder, 'results'), args, { stand, configuration })
}

/** Runs the suite, and leaves its results in a folder. */
export async function judgeInto(
  folder: string,
  [role = '', ...flags]: readonly string[],
  { stand, configuration }: { readonly stand: Stand; readonly configuration: object },
): Promise<JudgedRun> {
  const config = join(stand.folder, 'offers.json')
  writeFileSync(config, JSON.stringify(configuration))
  const ended = await run(['conformance', role, '--config', config, '--out', folder, ...flags])
  if (ended.code > 1) throw new Error(`the suite ended with code ${ended.code}:\n${ended.stderr}`)
  return { ...ended, folder, checks: JSON.parse(readFileSync(join(folder, 'checks.json'), 'utf8')) as Checks }
}

/** The flags that choose these groups of cases. */
export function inGroups(...names: readonly string[]): string[] {
  return names.flatMap(name => ['--group', name])
}

/** The cases that a run has decided: without those that only `--slow` runs. */
export function decidedIn({ verdicts, checks }: Checks): string[] {
  const waits = checks.filter(({ reason }) => reason?.endsWith(': --slow runs it') === true).map(({ id }) => id)
  return Object.keys(verdicts).filter(id => !waits.includes(id))
}

/** The decided cases that an earlier run has judged otherwise, and why. */
export function judgedOtherwise(first: Checks, again: Checks): string[] {
  const whyIn = (id: string): string | undefined => again.checks.find(one => one.id === id)?.reason
  return decidedIn(again)
    .filter(id => first.verdicts[id] !== again.verdicts[id])
    .map(id => `${id}: ${first.verdicts[id]}, then ${again.verdicts[id]} (${whyIn(id)})`)
}

/** The arguments that name who is judged: a URL, or the command of an agent. */
export function judgedAs(subject: { readonly url: string } | { readonly command: readonly string[] }): string[] {
  return 'url' in subject ? [subject.url] : ['--', ...subject.command]
}

/** The cases with a verdict, and why. */
export function withVerdict({ checks }: Checks, verdict: string): string[] {
  return checks.filter(one => one.verdict === verdict).map(({ id, reason }) => `${id}: ${reason}`)
}

/** The program that serves a guarded API. */
export const siteProgram: string = join(root, 'tests/conformance/site.fixture.mjs')
