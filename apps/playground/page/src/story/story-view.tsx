import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Party, Story, StoryRun } from '../../../src/explorer/contract.js'
import { go } from '../router.js'
import { playStory, type State, type Store } from '../store.js'
import { Exports } from './exports.js'
import { OpenedStep } from './opened-step.js'
import { Sequence } from './sequence.js'

interface StoryViewProps {
  readonly store: Store
  readonly state: State
  readonly story: Story
  readonly run: StoryRun
  readonly parties: readonly Party[]
  /** The number of the opened message. */
  readonly step: number | undefined
}

/** One story: what it teaches, its sequence as it is drawn, what it claims, and one opened message. */
export function StoryView({ store, state, story, run, parties, step }: StoryViewProps): JSX.Element {
  const opened = step === undefined ? undefined : run.messages[step - 1]
  const path = `/stories/${story.name}`
  const open = (number: number | undefined): void => go(number === undefined ? path : `${path}/${number}`)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (opened !== undefined && event.key === 'Escape') open(undefined)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
  const play = (): void => {
    open(undefined)
    void playStory(store, story.name)
  }
  return (
    <article class={`story${opened === undefined ? '' : ' with-step'}`}>
      <header class="story-head">
        <div>
          <h1>{story.title}</h1>
          <p class="lead">{story.about}</p>
        </div>
        <div class="story-controls">
          <button type="button" class="main" onClick={play} disabled={run.state === 'playing'}>
            {run.state === 'playing' ? 'Playing…' : run.state === 'ended' ? 'Play again' : 'Play this story'}
          </button>
          <p role="status" class="quiet">
            {told(story, run)}
          </p>
          {run.state === 'ended' ? <Exports story={story} run={run} parties={parties} /> : null}
        </div>
      </header>
      <div class="story-body">
        <Sequence run={run} parties={parties} opened={step} onOpen={open} />
        {opened === undefined || step === undefined ? null : (
          <OpenedStep
            key={opened.id}
            {...{ state, run, parties, step }}
            message={opened}
            onClose={() => open(undefined)}
            onGo={number => open(number)}
          />
        )}
      </div>
      <Checks run={run} />
    </article>
  )
}

function told(story: Story, { state, ok, messages, checks }: StoryRun): string {
  if (state === 'waiting') return `About ${story.seconds} s. Nothing has been sent yet.`
  const counts = `${messages.length} messages, ${checks.length} claims checked`
  if (state === 'playing') return `${counts} so far, of about ${story.seconds} s.`
  return ok === true
    ? `Every step was right: ${counts}.`
    : `Something is not as it should be: ${counts}. “Start afresh” at the end of the page makes everything anew.`
}

function Checks({ run: { checks } }: { readonly run: StoryRun }): JSX.Element | null {
  if (checks.length === 0) return null
  return (
    <section class="story-checks" aria-label="What the story claims">
      <h2>What the story claims, and whether it is so</h2>
      <ul>
        {checks.map(({ title, ok, seen }) => (
          <li key={title} class={ok ? 'right' : 'wrong'}>
            <span aria-hidden="true">{ok ? '✓' : '✗'}</span> <span class="sr-only">{ok ? 'right: ' : 'wrong: '}</span>
            <span class="claim">
              {title}
              {seen === undefined ? null : `: ${seen}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
