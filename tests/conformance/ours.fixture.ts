import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Stand, stand } from '../processes.fixture.js'
import { startAuthServer } from './auth-server.fixture.js'
import { type Checks, inGroups, judgedAs, judgedOtherwise, judgeInto } from './judged.fixture.js'
import {
  type AgentSubject,
  identifiedAgent,
  libraryAgent,
  startAgentServer,
  startEnrolling,
  startGateway,
} from './servers.fixture.js'
import { adapters, type Subject, startSite, unseenByFetch } from './site.fixture.js'

/** An implementation of ours, and how it is judged. */
export interface Ours {
  readonly name: string
  readonly role: 'resource' | 'agent-server' | 'auth-server' | 'agent'
  readonly start: (place: Stand) => Promise<Subject | AgentSubject>
  /** What a second run judges, as flags: one of each role is judged twice. */
  readonly again?: readonly string[]
  /** Cases that it fails, and why that is so. */
  readonly expected?: { readonly ids: readonly string[]; readonly why: string }
}

const guards: readonly Ours[] = adapters.map(adapter => ({
  name: `guard on ${adapter}`,
  role: 'resource',
  start: place => startSite(place, adapter),
  ...(adapter === 'node' ? { again: [] } : {}),
  ...(adapter === 'fetch'
    ? {
        expected: {
          ids: unseenByFetch,
          why: 'A Fetch handler cannot see what its platform has parsed: raw targets and a second Host.',
        },
      }
    : {}),
}))

/** All that this project has of what the suite judges. */
export const ours: readonly Ours[] = [
  ...guards,
  { name: 'countersign gateway', role: 'resource', start: place => startGateway(place, 'plain') },
  {
    name: 'countersign gateway, MCP',
    role: 'resource',
    start: place => startGateway(place, 'mcp'),
    expected: {
      ids: ['DIG-02'],
      why: 'Which tool a body names decides what is asked, so a body that was replaced by no message is refused as that (400, `mcp.one-reading`) before its digest is compared.',
    },
  },
  { name: 'countersign agent-server', role: 'agent-server', start: startAgentServer, again: [] },
  { name: '@countersign/agent-server', role: 'agent-server', start: startEnrolling },
  { name: 'countersign auth-server', role: 'auth-server', start: startAuthServer, again: [] },
  { name: 'countersign fetch', role: 'agent', start: identifiedAgent },
  // Each of its cases starts a program several times.
  {
    name: '@countersign/agent',
    role: 'agent',
    start: libraryAgent,
    again: inGroups('requests', 'auth server'),
  },
]

/** What became of a judged implementation. */
export interface Judged {
  readonly code: number
  /** The folder of the results. */
  readonly folder: string
  /** The report, and errors of the suite. */
  readonly said: string
  /** What the first run found. */
  readonly first: Checks
  /** What a second run with the same seed found, without the cases that wait; undefined where there was none. */
  readonly again: Checks | undefined
}

/** Judges an implementation with all cases. */
export async function judgeOurs({ name, role, start, again, expected }: Ours, place: Stand): Promise<Judged> {
  const subject = await start(place)
  const failures = join(place.folder, 'expected.txt')
  writeFileSync(failures, (expected?.ids ?? []).join('\n'))
  const flags = ['--expected-failures', failures, '--name', name, '--seed', '7']
  const { configuration } = subject
  const results = join(place.folder, 'results')
  const { code, stdout, stderr, checks } = await judgeInto(results, [role, ...flags, '--slow', ...judgedAs(subject)], {
    stand: place,
    configuration,
  })
  const said = `${stdout}${stderr}`
  if (again === undefined) return { code, folder: results, said, first: checks, again: undefined }
  // It is started anew: the suite may use a port again, and documents that the first run left in a cache would decide the second.
  const judgeAgain = async (): Promise<Checks> => {
    const fresh = stand()
    try {
      const anew = await start(fresh)
      const args = [role, ...flags, ...again, ...judgedAs(anew)]
      return (await judgeInto(join(fresh.folder, 'again'), args, { stand: fresh, configuration: anew.configuration }))
        .checks
    } finally {
      await fresh.stop()
    }
  }
  const second = await judgeAgain()
  // Where other work may slow the machine, a case that waits for an answer gets a second try, as tests do.
  const isRetried = process.env['COUNTERSIGN_RETRY'] === '1' && judgedOtherwise(checks, second).length > 0
  return { code, folder: results, said, first: checks, again: isRetried ? await judgeAgain() : second }
}
