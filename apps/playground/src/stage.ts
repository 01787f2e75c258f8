import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type Agent,
  type AgentState,
  agentServer,
  createAgent,
  delegate,
  explain,
  type Interact,
  pseudonym,
} from '@countersign/agent'
import type { Delegation } from '@countersign/agent-server'
import { keysFile, type TracedExchange } from '@countersign/server'
import { invite } from './invite.js'
import type { Participants } from './participants.js'
import type { StoryUser, StoryUsers } from './story-user.js'
import { visitsUnderWay } from './visits.js'

/** One expectation of a scenario, and whether it holds. */
export interface Check {
  readonly title: string
  readonly ok: boolean
  /** The actual value; absent if the check holds. */
  readonly seen?: string
}

/** What a scenario uses. */
export interface Stage {
  readonly participants: Participants
  /** Records an expectation. The scenario continues if one fails, so that all are shown. */
  expect(title: string, seen: unknown, wanted: unknown): void
  /** Records that two values differ. */
  expectOther(title: string, seen: unknown, other: unknown): void
  pseudonym(): Agent
  /** An agent that signs with the playground agent server's own key. */
  agentServer(): Promise<Agent>
  /** A delegate that enrols with `code` if `state` holds no enrolment. Without `interact` it cannot ask a user. */
  delegate(code: string, state?: AgentState, interact?: Interact): Agent
  /** Makes a single-use enrolment code, for the delegate `sub` if given; `delegation` is what the delegate may be used for. */
  invite(sub?: string, delegation?: Delegation): Promise<{ readonly code: string; readonly sub: string }>
  /** Makes a new delegate of the web app. */
  webAppDelegate(interact: Interact): Promise<Agent>
  /** A demo user of the auth server, in a new browser. */
  user(name: string): StoryUser
  /** What `countersign trace` finds about an action in the logs: the participants that logged it, and their events in order. */
  trace(txn: string): Promise<{ readonly names: readonly string[]; readonly events: readonly string[] }>
  /** Every message so far, in order. */
  messages(): Promise<readonly TracedExchange[]>
}

/** What {@link stageOn} needs. */
export interface StageParts {
  readonly participants: Participants
  /** Called by {@link Stage.expect}. */
  readonly onCheck: (check: Check) => void
  /** The users, who decide when an agent asks for access. */
  readonly users: StoryUsers
  readonly messages: () => Promise<readonly TracedExchange[]>
}

const execute = promisify(execFile)

/** The stage for one scenario. */
export function stageOn({ participants, onCheck, users, messages }: StageParts): Stage {
  const { addresses, folder, agents } = participants
  const visits = visitsUnderWay()
  const shared = {
    acceptAuthServer: [addresses.authServer, addresses.roomsAuthServer],
    identifyTo: [addresses.calendar, addresses.rooms, addresses.desks, addresses.tools],
    development: true,
  }
  return {
    participants,
    expect(title, seen, wanted) {
      const ok = seen === wanted
      onCheck({ title, ok, ...(ok ? {} : { seen: `${shown(seen)} instead of ${shown(wanted)}` }) })
    },
    expectOther(title, seen, other) {
      const ok = seen !== undefined && seen !== other
      onCheck({ title, ok, ...(ok ? {} : { seen: shown(seen) }) })
    },
    pseudonym: () => createAgent({ identity: pseudonym(), development: true }),
    async agentServer() {
      const [key] = await keysFile(join(folder, 'agent-server', 'keys.json'), { missing: 'refuse' })
      if (key === undefined) throw new Error('the agent server has no key')
      return createAgent({
        identity: agentServer({ id: addresses.agentServer, ...key }),
        state: agents.state(),
        ...shared,
      })
    },
    delegate: (code, state, interact?) =>
      visits.agent(
        createAgent({
          identity: delegate({ agentServer: addresses.agentServer, enroll: { type: 'code', code } }),
          state: agents.state(state),
          ...(interact === undefined ? {} : { interact }),
          ...shared,
        }),
      ),
    invite: (sub, delegation) =>
      invite(participants, { at: addresses.agentServer, folder: 'agent-server', sub, delegation }),
    async webAppDelegate(interact) {
      const { webApp, authServer } = addresses
      const { code } = await invite(participants, { at: webApp, folder: 'web-app', sub: undefined })
      return createAgent({
        identity: delegate({ agentServer: webApp, enroll: { type: 'code', code } }),
        state: agents.state(),
        interact,
        acceptAuthServer: [authServer],
        identifyTo: [webApp],
        development: true,
      })
    },
    user: name => visits.user(users(name)),
    trace: txn => trace(participants, txn),
    messages,
  }
}

/** Runs `countersign trace` over the logs. */
async function trace(
  { countersign, execArgv, logs }: Participants,
  txn: string,
): Promise<{ names: string[]; events: string[] }> {
  const { stdout } = await execute(process.execPath, [...execArgv, countersign, 'trace', txn, ...logs, '--json'])
  const { records } = JSON.parse(stdout) as { records: ReadonlyArray<{ file: string; record: { event?: string } }> }
  const names = new Set(records.map(({ file }) => file.replace('.log', '')))
  return {
    names: [...names].sort((one, other) => one.localeCompare(other)),
    events: records.map(({ record }) => record.event ?? ''),
  }
}

/** The kinds of steps by which the agent got this response, in order. */
export function stepsOf(response: Response): string {
  return explain(response)
    .steps.map(step => step.what)
    .join(' ')
}

/** The types of the answered token requests, in order, without refreshes: tokens live only seconds here. */
export function requestTypes(messages: readonly TracedExchange[]): string {
  return messages
    .filter(({ request, response }) => request.target === '/agent/token' && response.status === 200)
    .map(({ request }) => new URLSearchParams(request.body).get('request_type'))
    .filter(type => type !== 'refresh')
    .join(' ')
}

/**
 * The types with repeated exchanges left out. Tokens live only seconds here: if the upstream token runs out while the user
 * decides, the next call brings a new one, and its exchange gets the token at once, in place of the last code of `expected`.
 */
export function asIfNoneExpired(types: string, expected: string): string {
  const all = types.split(' ')
  const first = all.indexOf('exchange')
  const once = all.filter((type, at) => type !== 'exchange' || at === first).join(' ')
  return `${once} code` === expected && all.at(-1) === 'exchange' ? expected : once
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value)
}

/** Reads the state file of an agent. */
export function stateIn(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
}
