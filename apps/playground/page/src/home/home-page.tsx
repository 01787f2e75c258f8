import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PartyId } from '../../../src/explorer/contract.js'
import type { ViewProps } from '../app.js'
import { Link } from '../router.js'
import { playStory, runOf } from '../store.js'
import { Climb } from './climb.js'
import { ParticipantsMap } from './map.js'
import { PartyPanel } from './party-panel.js'
import { usePlayed } from './played.js'
import { Tokens } from './tokens.js'
import './home.css'

const offered = [
  ['climb', 'Play the climb'],
  ['user-consent', 'A user agrees'],
  ['multi-hop', 'Two services, two domains'],
] as const

/** What AAuth is, as a figure that lights up with what really flows. */
export function HomePage({ store, state }: ViewProps): JSX.Element {
  const [opened, setOpened] = useState<PartyId | undefined>(undefined)
  const [chosen, setChosen] = useState<string>('climb')
  const shown = usePlayed(store)
  const { house } = state
  const run = runOf(state, chosen)
  const isPlaying = Object.values(state.runs).some(one => one.state === 'playing')
  const party = house?.parties.find(({ id }) => id === opened)
  const play = (story: string): void => {
    setChosen(story)
    setOpened(undefined)
    void playStory(store, story)
  }
  return (
    <div class="home">
      <Intro isPlaying={isPlaying} onPlay={play} />
      <figure class="figure">
        {house === undefined ? (
          <p role="status">Asking the playground who takes part…</p>
        ) : (
          <ParticipantsMap
            parties={house.parties}
            shown={shown}
            opened={opened}
            onOpen={id => setOpened(id === opened ? undefined : id)}
          />
        )}
        <figcaption>
          <span class="now" aria-live="off">
            {shown?.sentence ?? 'Press a button: the map lights up as messages flow. Each participant opens.'}
          </span>
          {run.messages.length > 0 ? (
            <Link to={`/stories/${chosen}`}>All {run.messages.length} messages, one by one</Link>
          ) : null}
          <span class="sr-only" role="status">
            {run.state === 'ended'
              ? `Played: ${run.messages.length} messages.`
              : run.state === 'playing'
                ? 'Playing.'
                : ''}
          </span>
        </figcaption>
      </figure>
      <div class="beside">
        {party === undefined ? (
          <Climb shown={shown} />
        ) : (
          <PartyPanel party={party} onClose={() => setOpened(undefined)} />
        )}
      </div>
      <Tokens shown={shown} state={state} />
      <Onward />
    </div>
  )
}

interface IntroProps {
  readonly isPlaying: boolean
  readonly onPlay: (story: string) => void
}

function Intro({ isPlaying, onPlay }: IntroProps): JSX.Element {
  return (
    <div class="intro">
      <h1>An agent calls an API that has never met it</h1>
      <p class="lead">
        AAuth lets them deal with each other: no registered apps, no shared secrets, no bearer tokens. Every request is
        signed, so there is nothing to steal. All the participants below run on this machine.
      </p>
      <p class="plays">
        {offered.map(([story, title], index) => (
          <button
            key={story}
            type="button"
            class={index === 0 ? 'main' : ''}
            disabled={isPlaying}
            onClick={() => onPlay(story)}
          >
            {title}
          </button>
        ))}
      </p>
    </div>
  )
}

function Onward(): JSX.Element {
  return (
    <section class="onward" aria-label="Where to go on">
      <Link to="/stories" class="card">
        <strong>Stories</strong> Sixteen flows, message by message, each opened to the last byte.
      </Link>
      <Link to="/break" class="card">
        <strong>Break it</strong> Change, steal, replay. See which check refuses, beside the twin that passes.
      </Link>
      <Link to="/beside" class="card">
        <strong>Beside OAuth</strong> The same nine things done in both worlds, with real servers.
      </Link>
      <Link to="/you" class="card">
        <strong>Take part</strong> Be the user, the operator, or bring your own agent.
      </Link>
    </section>
  )
}
