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
  memoryState,
  pseudonym,
} from '@countersign/agent'
import { keysFile, type TracedExchange } from '@countersign/server'
import type { Participants } from './participants.js'
import type { StoryUser, StoryUsers } from './story-user.js'

/** One thing a scenario expects, and whether it was so. */
export interface Check {
  readonly title: string
  readonly ok: boolean
  /** What was seen instead; absent when the check holds. */
  readonly seen?: string
}

/** What a scenario plays on. */
export interface Stage {
  readonly participants: Participants
  /** Records an expectation; a scenario goes on when one fails, so that all of them are seen. */
  expect(title: string, seen: unknown, wanted: unknown): void
  /** Records that two values differ. */
  expectOther(title: string, seen: unknown, other: unknown): void
  pseudonym(): Agent
  /** An agent that signs with the playground agent server's own key. */
  agentServer(): Promise<Agent>
  /** A delegate that enrols with `code` when `state` holds no enrolment; without `interact` it has no way to ask a user. */
  delegate(code: string, state?: AgentState, interact?: Interact): Agent
  /** A single-use enrolment code, for a delegate of that name when one is given. */
  invite(sub?: string): Promise<{ readonly code: string; readonly sub: string }>
  /** A fresh delegate of the web app. */
  webAppDelegate(interact: Interact): Promise<Agent>
  /** One of the auth server's demo users, in a fresh browser. */
  user(name: string): StoryUser
  /** What `countersign trace` finds of an action in the logs: the participants that tell of it, and their events in order. */
  trace(txn: string): Promise<{ readonly names: readonly string[]; readonly events: readonly string[] }>
  /** Every message that has flowed so far, in order. */
  messages(): Promise<readonly TracedExchange[]>
}

/** What {@link stageOn} is built of. */
export interface StageParts {
  readonly participants: Participants
  /** What {@link Stage.expect} adds to. */
  readonly checks: Check[]
  /** Who decides where users are asked. */
  readonly users: StoryUsers
  readonly messages: () => Promise<readonly TracedExchange[]>
}

const execute = promisify(execFile)

/** The stage for one scenario. */
export function stageOn({ participants, checks, users, messages }: StageParts): Stage {
  const { addresses, folder } = participants
  const shared = {
    acceptAuthServer: [addresses.authServer],
    identifyTo: [addresses.calendar, addresses.rooms, addresses.tools],
    development: true,
  }
  return {
    participants,
    expect(title, seen, wanted) {
      const ok = seen === wanted
      checks.push({ title, ok, ...(ok ? {} : { seen: `${shown(seen)} instead of ${shown(wanted)}` }) })
    },
    expectOther(title, seen, other) {
      const ok = seen !== undefined && seen !== other
      checks.push({ title, ok, ...(ok ? {} : { seen: shown(seen) }) })
    },
    pseudonym: () => createAgent({ identity: pseudonym(), development: true }),
    async agentServer() {
      const [key] = await keysFile(join(folder, 'agent-server', 'keys.json'), { missing: 'refuse' })
      if (key === undefined) throw new Error('the agent server has no key')
      return createAgent({ identity: agentServer({ id: addresses.agentServer, ...key }), ...shared })
    },
    delegate: (code, state = memoryState(), interact?) =>
      createAgent({
        identity: delegate({ agentServer: addresses.agentServer, enroll: { type: 'code', code } }),
        state,
        ...(interact === undefined ? {} : { interact }),
        ...shared,
      }),
    invite: sub => invite(participants, { at: addresses.agentServer, folder: 'agent-server', sub }),
    async webAppDelegate(interact) {
      const { webApp, authServer } = addresses
      const { code } = await invite(participants, { at: webApp, folder: 'web-app', sub: undefined })
      return createAgent({
        identity: delegate({ agentServer: webApp, enroll: { type: 'code', code } }),
        interact,
        acceptAuthServer: [authServer],
        identifyTo: [webApp],
        development: true,
      })
    },
    user: users,
    trace: txn => trace(participants, txn),
    messages,
  }
}

/** Runs the command over the logs of those who decide. */
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

/** Asks an agent server on this machine for a single-use code. */
async function invite(
  { folder, countersign, execArgv }: Participants,
  to: { readonly at: string; readonly folder: string; readonly sub: string | undefined },
): Promise<{ code: string; sub: string }> {
  const { stdout } = await execute(process.execPath, [
    ...execArgv,
    countersign,
    ...['agent-server', 'invite', '--id', to.at, '--data', join(folder, to.folder), '--development'],
    ...(to.sub === undefined ? [] : ['--sub', to.sub]),
  ])
  return JSON.parse(stdout) as { code: string; sub: string }
}

/** How the agent got this response, for a scenario to check: the kinds of its steps in order. */
export function stepsOf(response: Response): string {
  return explain(response)
    .steps.map(step => step.what)
    .join(' ')
}

/** The types of the token requests that were answered, in order, but for refreshes: tokens live for seconds here. */
export function requestTypes(messages: readonly TracedExchange[]): string {
  return messages
    .filter(({ request, response }) => request.target === '/agent/token' && response.status === 200)
    .map(({ request }) => new URLSearchParams(request.body).get('request_type'))
    .filter(type => type !== 'refresh')
    .join(' ')
}

/** The same without renewals of exchanges: on a busy machine a token that lives for seconds is exchanged again before it was used. */
export function withoutRenewals(types: string): string {
  const all = types.split(' ')
  return all.filter((type, at) => type !== 'exchange' || all.indexOf(type) === at).join(' ')
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value)
}

/** Reads a JSON member of a file that the agent wrote; scenarios look into its state to prove what it holds. */
export function stateIn(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
}
