import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Form, Invited, OwnAgent } from '../../../src/visitor/contract.js'
import type { State } from '../store.js'
import { clock, post, useAction } from './api.js'
import { CopyButton } from './copy-button.js'
import { nameAt, type PartProps } from './part-props.js'

/** The visitor's own agent. */
export function AgentPart({ state, visitor: { agents } }: PartProps): JSX.Element {
  const action = useAction()
  const [invited, setInvited] = useState<Invited>()
  const [label, setLabel] = useState('My agent')
  const make = async (): Promise<void> => setInvited(await post<Invited>('invitations', { label: label.trim() }))
  return (
    <>
      <p class="lead">
        An agent needs no registration at the APIs: it enrols once at its agent server, with a code that works once, and
        makes its own key. Get a code, paste one of three forms, and watch your agent arrive.
      </p>
      <form
        class="visitor-buttons"
        onSubmit={event => {
          event.preventDefault()
          action.run(make)
        }}
      >
        <label>
          Name{' '}
          <input
            value={label}
            maxLength={40}
            required
            autocomplete="off"
            onInput={event => setLabel(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class={invited === undefined ? 'main' : ''} disabled={action.isBusy}>
          {action.isBusy ? 'Making a code …' : invited === undefined ? 'Get a code' : 'Get another code'}
        </button>
      </form>
      {action.problem === '' ? null : (
        <p class="wrong" role="alert">
          {action.problem}
        </p>
      )}
      <div class="visitor-columns">
        <Arrivals agents={agents} invited={invited} state={state} />
        {invited === undefined ? null : <Forms key={invited.delegate} invited={invited} />}
      </div>
    </>
  )
}

const about = {
  terminal: [
    'Terminal',
    'Paste this line into a terminal on this machine. It enrols, calls the calendar, and shows each step.',
  ],
  typescript: ['TypeScript', 'Save these lines as a file, and run it.'],
  mcp: [
    'MCP client',
    'Add this to the configuration of an MCP client, and let it list or call the tools of the playground.',
  ],
} as const

function Forms({ invited }: { readonly invited: Invited }): JSX.Element {
  const [id, setId] = useState<Form['id']>('terminal')
  const [fromNpm, setFromNpm] = useState(false)
  const form = invited.forms.find(one => one.id === id)
  return (
    <section class="card visitor-forms" aria-label="Ready to paste">
      <fieldset class="visitor-tabs">
        <legend class="sr-only">Forms</legend>
        {invited.forms.map(one => (
          <button key={one.id} type="button" aria-pressed={one.id === id} onClick={() => setId(one.id)}>
            {about[one.id][0]}
          </button>
        ))}
      </fieldset>
      <p>{about[id][1]}</p>
      {form === undefined ? null : (
        <>
          <Paste name={form.file ?? about[id][0]} text={fromNpm ? form.npm : form.text} />
          {form.run === undefined ? null : <Paste name="Run it" text={form.run} />}
          {form.file === 'my-agent.mjs' ? (
            <p class="quiet">
              It is TypeScript without annotations, so that this version of Node runs it as JavaScript.
            </p>
          ) : null}
        </>
      )}
      <label class="quiet">
        <input type="checkbox" checked={fromNpm} onChange={event => setFromNpm(event.currentTarget.checked)} /> with
        packages from npm, once they are published there
      </label>
      <p class="quiet">
        The code enrols one agent, <code>{invited.delegate}</code>, once and within an hour. Its key stays where you run
        it.
      </p>
    </section>
  )
}

function Paste({ name, text }: { readonly name: string; readonly text: string }): JSX.Element {
  return (
    <div class="visitor-paste">
      <div class="visitor-paste-top">
        <span class="quiet">{name}</span>
        <CopyButton text={text} what={name} />
      </div>
      <pre>{text.includes('\n') ? text : <Words text={text} />}</pre>
    </div>
  )
}

/** One line, broken between words only: a hyphen at the end of a line would look like a part of the command. */
function Words({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {text.split(' ').map((word, at) => (
        <>
          {at === 0 ? '' : ' '}
          <span class="visitor-word">{word}</span>
        </>
      ))}
    </>
  )
}

interface ArrivalsProps {
  readonly agents: readonly OwnAgent[]
  readonly invited: Invited | undefined
  readonly state: State
}

function Arrivals({ agents, invited, state }: ArrivalsProps): JSX.Element {
  const arrived = agents.filter(({ enrolled }) => enrolled !== undefined)
  const isAwaited = invited !== undefined && !arrived.some(({ delegate }) => delegate === invited.delegate)
  return (
    <section class="card visitor-arrivals" aria-label="Your agents">
      <p class="sr-only" role="status">
        {arrived[0] === undefined ? '' : `${arrived[0].label} is here`}
      </p>
      {isAwaited ? (
        <>
          <h2>Waiting for {invited.label} …</h2>
          <progress aria-label="Waiting for your agent" />
        </>
      ) : arrived.length === 0 ? (
        <h2>No agent of yours is here yet</h2>
      ) : null}
      {arrived.slice(0, 4).map(agent => (
        <Arrived key={agent.delegate} agent={agent} state={state} />
      ))}
    </section>
  )
}

function Arrived({ agent, state }: { readonly agent: OwnAgent; readonly state: State }): JSX.Element {
  const { label, delegate, enrolled = 0, calls, callCount } = agent
  const level = calls.some(call => call.level === 'authorized' && call.status < 400) ? 'authorized' : 'identified'
  return (
    <article class="visitor-arrived">
      <h2 class="right">{label} is here</h2>
      <p>
        <code>{delegate}</code> enrolled at {clock(enrolled)}. Level: <b>{level}</b>. Calls: {callCount}.
      </p>
      <ol class="visitor-calls" aria-label={`Calls of ${label}`}>
        {calls.slice(0, 6).map(call => (
          <li key={call.id}>
            <span class={`visitor-status ${call.status < 400 ? 'right' : 'wrong'}`}>{call.status}</span>{' '}
            <code>
              {call.method} {call.path}
              {call.tool === undefined ? '' : ` ${call.tool}`}
            </code>{' '}
            at {nameAt(state, call.to)}, {call.level}
            {call.status === 401 ? ': it is asked for more' : ''}
          </li>
        ))}
      </ol>
    </article>
  )
}
