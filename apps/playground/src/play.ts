import { clearStage } from './clear-stage.js'
import { partiesAt } from './explorer/parties.js'
import { shownMessage } from './explorer/shown-message.js'
import { type Participants, startParticipants } from './participants.js'
import { approval } from './scenarios/approval.js'
import { autonomous } from './scenarios/autonomous.js'
import { climb } from './scenarios/climb.js'
import { delegate } from './scenarios/delegate.js'
import { delegation } from './scenarios/delegation.js'
import { device } from './scenarios/device.js'
import { identity } from './scenarios/identity.js'
import { mcp } from './scenarios/mcp.js'
import { multiHop } from './scenarios/multi-hop.js'
import { oauthDownstream } from './scenarios/oauth-downstream.js'
import { rateLimit } from './scenarios/rate-limit.js'
import { refresh } from './scenarios/refresh.js'
import { revocation } from './scenarios/revocation.js'
import { rotation } from './scenarios/rotation.js'
import { sso } from './scenarios/sso.js'
import { userConsent } from './scenarios/user-consent.js'
import type { SentExchange } from './senders.js'
import { sequenceText } from './sequence/text.js'
import { type Check, type Stage, stageOn } from './stage.js'
import { type StoryUsers, scriptedUser } from './story-user.js'

/** The name of a scenario. */
export type ScenarioName =
  | 'climb'
  | 'rate-limit'
  | 'identity'
  | 'delegate'
  | 'autonomous'
  | 'user-consent'
  | 'device'
  | 'sso'
  | 'multi-hop'
  | 'oauth-downstream'
  | 'mcp'
  | 'revocation'
  | 'delegation'
  | 'approval'
  | 'refresh'
  | 'rotation'

interface Scenario {
  readonly title: string
  readonly play: (stage: Stage) => Promise<void>
}

const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  climb: { title: 'The climb: one agent, four calls, four levels', play: climb },
  'rate-limit': { title: 'Anonymous until the limit, then a signature', play: rateLimit },
  identity: { title: 'Identified by the agent server’s own key', play: identity },
  delegate: { title: 'One of many instances: it enrols once, and is identified', play: delegate },
  autonomous: { title: 'Authorized by policy, without a user', play: autonomous },
  'user-consent': { title: 'A user signs in and agrees, once; another one refuses', play: userConsent },
  device: { title: 'Without a browser: a user types a code on another device', play: device },
  sso: { title: 'A web app signs its users in, its delegate calls its API', play: sso },
  'multi-hop': {
    title: 'One call through two services in two domains, with the user’s consent for each',
    play: multiHop,
  },
  'oauth-downstream': { title: 'An API behind OAuth that does not know AAuth', play: oauthDownstream },
  mcp: { title: 'Tools of an MCP server, each with its own requirement', play: mcp },
  revocation: { title: 'A user takes access back, and every resource refuses it within a second', play: revocation },
  delegation: {
    title: 'What a delegate may do is limited by its operator, by its user, and by what it was given itself',
    play: delegation,
  },
  approval: { title: 'A user approves each purchase, once, and sees what it is', play: approval },
  refresh: { title: 'Tokens expire, processes restart, keys get lost', play: refresh },
  rotation: { title: 'Keys are replaced, names and grants stay', play: rotation },
}

/** Every scenario, in the order that tells the story. */
export const scenarioNames: readonly ScenarioName[] = Object.keys(scenarios) as ScenarioName[]

/** What a scenario is about, in a few words. */
export function scenarioTitle(name: ScenarioName): string {
  return scenarios[name].title
}

/** The result of a scenario: its checks, and every message in the order of receipt. */
export interface ScenarioResult {
  readonly scenario: ScenarioName
  readonly title: string
  readonly ok: boolean
  readonly checks: readonly Check[]
  readonly messages: readonly SentExchange[]
}

/** Options of {@link playScenario}. */
export interface ScenarioOptions {
  /** Make the users' decisions; default: scripted users. */
  readonly users?: StoryUsers | undefined
  /** Called once the stage is clear, before the first message. */
  readonly onBegin?: (() => void) | undefined
  /** Called with each check as it is made. */
  readonly onCheck?: ((check: Check) => void) | undefined
}

/** Plays one scenario on running participants, whatever was done to them before. */
export async function playScenario(
  participants: Participants,
  name: ScenarioName,
  { users = scriptedUser, onBegin, onCheck }: ScenarioOptions = {},
): Promise<ScenarioResult> {
  const { title, play } = scenarios[name]
  // bound: one call
  const checks: Check[] = []
  const add = (check: Check): void => {
    checks.push(check)
    onCheck?.(check)
  }
  // bound: one call
  const messages: SentExchange[] = []
  const cleared = clearStage(participants)
  await cleared.catch(() => undefined)
  onBegin?.()
  const stop = participants.listen(exchange => messages.push(exchange))
  try {
    await cleared
    const heard = async (): Promise<readonly SentExchange[]> => inOrder(await quiet(messages))
    await play(stageOn({ participants, onCheck: add, users, messages: heard }))
  } catch (error) {
    add({
      title: 'the scenario plays to its end',
      ok: false,
      seen: error instanceof Error ? error.message : String(error),
    })
  }
  await quiet(messages)
  stop()
  const ok = checks.length > 0 && checks.every(check => check.ok)
  return { scenario: name, title, ok, checks, messages: inOrder(messages) }
}

/** Waits until the processes have reported the last message. */
async function quiet(messages: readonly SentExchange[]): Promise<readonly SentExchange[]> {
  for (let seen = -1, rounds = 0; seen !== messages.length && rounds < 20; rounds++) {
    seen = messages.length
    await new Promise(resolve => setTimeout(resolve, 60))
  }
  return messages
}

function inOrder(messages: readonly SentExchange[]): SentExchange[] {
  return [...messages].sort((a, b) => a.at - b.at)
}

/** Options of {@link playScenarios}. */
export interface PlayOptions {
  readonly base: number
  readonly countersign: string
  readonly names: readonly ScenarioName[]
  /** Writes one JSON object with every message, instead of readable lines. */
  readonly json: boolean
  readonly write: (line: string) => void
}

/** Starts the participants, plays the scenarios, prints the results, and stops the participants. True if every check holds. */
export async function playScenarios(options: PlayOptions): Promise<boolean> {
  const { base, countersign, names, json, write } = options
  const participants = await startParticipants({ base, countersign, onReady: json ? () => undefined : write })
  const results: ScenarioResult[] = []
  try {
    for (const name of names) {
      const result = await playScenario(participants, name)
      results.push(result)
      if (!json) for (const line of lines(result, participants)) write(line)
    }
  } finally {
    await participants.stop()
  }
  const ok = results.every(result => result.ok)
  if (json) write(JSON.stringify({ ok, scenarios: results }, null, 2))
  else write(ok ? '\nEvery step was right.' : '\nSomething is not as it should be: see the lines marked ✗.')
  return ok
}

function lines(result: ScenarioResult, participants: Participants): string[] {
  const { addresses } = participants
  const messages = sequenceText(
    result.messages.map((message, index) => shownMessage(message, index + 1, addresses)),
    partiesAt(addresses),
  )
  const checks = result.checks.map(
    ({ ok, title, seen }) => `  ${ok ? '✓' : '✗'} ${title}${seen === undefined ? '' : `: ${seen}`}`,
  )
  return ['', `${result.scenario}: ${result.title}`, ...messages, ...checks]
}
