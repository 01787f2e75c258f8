import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { callerOf } from '../participants/caller.js'
import type { Reply } from '../participants/origin.js'
import { receivedSignature } from '../participants/received.js'
import { headerValue } from '../wire/message.js'
import { onLinks, visit, withParameters } from './browser.js'
import { type AgentStage, type Called, type CallPlace, call, challenged, commonControl, done } from './stage.js'

const group = 'user interaction'
const needs = ['identity', 'interactive']

interface Question {
  readonly title: string
  readonly by?: 'command' | 'interactive'
  /** Where the user is sent; default a page of the resource. */
  readonly page?: (place: CallPlace) => string
  /** How often the resource asks before it is satisfied; default once. */
  readonly times?: number
  /** Whether the browser comes to a state of its own first. */
  readonly wrongState?: boolean
}

const codeOf = (place: CallPlace, time: number): string => `interaction-${time}-${place.mark}`

/** A resource that asks its user, and is satisfied by the code of its own page. */
async function ask(trial: Trial, stage: AgentStage, o: Question): Promise<Called> {
  const { times = 1, page = ({ resource }) => `${resource.id}/interact?x=1` } = o
  let place: CallPlace | undefined
  let asked = 0
  const act = async (url: URL): Promise<void> => {
    const [back, state] = ['return_url', 'state'].map(name => url.searchParams.get(name) ?? '')
    if (place === undefined || back === undefined || back === '') return
    const interaction = codeOf(place, asked)
    if (o.wrongState === true) await visit(withParameters(back, { interaction: `wrong-${place.mark}`, state: 'other' }))
    await visit(withParameters(back, { interaction, state }))
  }
  return call(trial, stage, {
    title: o.title,
    by: o.by ?? 'interactive',
    async answer(request, _, here): Promise<Reply> {
      place = here
      const { identity } = stage.configuration
      const caller = await callerOf(request, { authority: here.authority, identity, keys: stage.keys })
      if (caller?.agent === undefined) return challenged('httpsig; identity=?1')
      const code = headerValue(request, 'agent-interaction') ?? ''
      if (code === `"${codeOf(here, times)}"`) return done()
      asked += 1
      return challenged(`httpsig; user_interaction="${page(here)}"`, { error: 'interaction_required' })
    },
    onOutput: onLinks(() => (place === undefined ? '' : `${place.resource.id}/interact`), act),
  })
}

function questionControl(trial: Trial, stage: AgentStage): Promise<Called> {
  const title = 'a GET whose resource asks its user'
  return commonControl(trial, stage, { title, make: one => ask(one, stage, { title }) })
}

/** URLs that no user may be sent to, and a text by which they would be seen in the output. */
const forbidden: ReadonlyArray<readonly [title: string, url: string, trace: string]> = [
  ['javascript:', 'javascript:alert(/conformance-1/)', 'conformance-1'],
  ['file:', 'file:///etc/conformance-2', 'conformance-2'],
  ['a flag', '--conformance-3', 'conformance-3'],
  ['plain http elsewhere', 'http://other.example/conformance-4', 'conformance-4'],
  ['a name before the host', 'https://bank.example@other.example/conformance-5', 'conformance-5'],
]

/** What an agent does where a resource needs its user. */
export const userInteractionCases: readonly Case<AgentStage>[] = [
  {
    id: 'interaction.code',
    words: 'which must be covered',
    group,
    needs,
    async run(trial, stage) {
      const { visits, authority } = await questionControl(trial, stage)
      const last = visits.at(-1)
      const found = last === undefined ? undefined : receivedSignature(last, authority)
      const covered = found?.components.includes('agent-interaction') === true
      trial.holds('Agent-Interaction is covered', covered, found?.components.join(' '))
      const before = visits.slice(0, -1).filter(one => headerValue(one, 'agent-interaction') !== undefined)
      trial.holds('no request before it has one', before.length === 0, `${before.length} have`)
      const wrong = await ask(trial, stage, { title: 'a callback of another session comes first', wrongState: true })
      const used = wrong.visits.some(one => headerValue(one, 'agent-interaction')?.includes('wrong-') === true)
      trial.holds('its code is not used', !used)
    },
  },
  {
    id: 'agent.checks.user-interaction',
    group,
    needs,
    async run(trial, stage) {
      await questionControl(trial, stage)
      const pages = [
        ['on another origin', 'https://other.example/conformance-6'],
        ['on another port', 'http://localhost:9/conformance-6'],
      ] as const
      await trial.all(
        pages.map(([title, page]) =>
          mustNotSend(stage, { title: `user_interaction ${title}`, page, trace: 'conformance-6' }),
        ),
      )
    },
  },
  {
    id: 'CLI-07',
    words: ['must be https', 'must be opened without a shell'],
    group,
    needs,
    clauses: ['agent.checks.user-url'],
    async run(trial, stage) {
      await questionControl(trial, stage)
      await trial.all(
        forbidden.map(([title, page, trace]) =>
          mustNotSend(stage, { title: `user_interaction is ${title}`, page, trace }),
        ),
      )
      await isOpenedWithoutShell(trial, stage)
    },
  },
  {
    id: 'agent.interactions',
    group,
    needs,
    async run(trial, stage) {
      await questionControl(trial, stage)
      const { visits, succeeded } = await ask(trial, stage, {
        title: 'a resource that asks its user eight times',
        times: 8,
      })
      const codes = new Set(visits.map(one => headerValue(one, 'agent-interaction')).filter(Boolean))
      trial.holds(
        'the agent gives up after five interactions',
        codes.size <= 5 && !succeeded,
        `there were ${codes.size}`,
      )
    },
  },
  {
    id: 'interaction.no-browser',
    group,
    needs,
    async run(trial, stage) {
      await questionControl(trial, stage)
      let resource = ''
      const { output, succeeded, visits } = await ask(trial, stage, {
        title: 'the same by an agent without a browser',
        by: 'command',
        page(place) {
          resource = place.resource.id
          return `${resource}/interact?x=1`
        },
      })
      if (resource === '') throw new Undecided('skipped', 'the agent did not say who it is')
      trial.holds('the agent says that it failed', !succeeded && visits.length <= 4)
      trial.holds('it says where its user must go', output.includes(`${resource}/interact?x=1`))
    },
  },
]

/** A page whose URL is a command, too: where a shell opens it, a file is made. */
async function isOpenedWithoutShell(trial: Trial, stage: AgentStage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
  try {
    const made = join(folder, 'made').replaceAll('\\', '/')
    await ask(trial, stage, {
      title: 'the page of the user is a command of a shell, too',
      page: ({ resource }) => `${resource.id}/interact/$(touch$IFS$9${made})`,
    })
    const isMade = await access(made).then(
      () => true,
      () => false,
    )
    trial.holds('no shell has run the command in it', !isMade)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface ForbiddenPage {
  readonly title: string
  readonly page: string
  /** A text by which the page would be seen in the output. */
  readonly trace: string
}

function mustNotSend(stage: AgentStage, { title, page, trace }: ForbiddenPage): (part: Trial) => Promise<void> {
  return async part => {
    const { output, succeeded } = await ask(part, stage, { title, page: () => page })
    part.holds(`${title}: the user is not sent there`, !output.includes(trace))
    part.holds(`${title}: the agent says that it failed`, !succeeded)
  }
}
