import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Story } from '../../../src/explorer/contract.js'
import type { ViewProps } from '../app.js'
import { go, Link } from '../router.js'
import { loadRun, runOf, type State } from '../store.js'
import { StoryView } from './story-view.js'
import './story.css'

/** The stories, and the one that the path names. */
export function StoriesPage({ store, state, rest }: ViewProps): JSX.Element {
  const { house } = state
  const [name, step] = rest
  const story = house?.stories.find(known => known.name === name) ?? house?.stories[0]
  useEffect(() => {
    // After a reload: what was played before.
    if (story !== undefined && store.get().runs[story.name] === undefined) void loadRun(store, story.name)
  }, [story, store])
  if (house === undefined || story === undefined) return <p role="status">Asking the playground what there is…</p>
  return (
    <div class="stories">
      <label class="story-choice">
        <span class="sr-only">Story</span>
        <select value={story.name} onChange={({ currentTarget: { value } }) => go(`/stories/${value}`)}>
          {house.stories.map(known => (
            <option key={known.name} value={known.name}>
              {known.title}
            </option>
          ))}
        </select>
      </label>
      <nav class="story-list" aria-label="Stories">
        <ol>
          {house.stories.map(known => (
            <li key={known.name}>
              <StoryLink story={known} state={state} isOpen={known === story} />
            </li>
          ))}
        </ol>
      </nav>
      <StoryView
        key={story.name}
        store={store}
        state={state}
        story={story}
        run={runOf(state, story.name)}
        parties={house.parties}
        step={step === undefined ? undefined : Number(step)}
      />
    </div>
  )
}

interface StoryLinkProps {
  readonly story: Story
  readonly state: State
  readonly isOpen: boolean
}

function StoryLink({ story, state, isOpen }: StoryLinkProps): JSX.Element {
  const run = runOf(state, story.name)
  const [sign, words] = outcome(run)
  return (
    <Link to={`/stories/${story.name}`} current={isOpen}>
      <span class={`sign ${run.ok === false ? 'wrong' : 'right'}`} aria-hidden="true">
        {sign}
      </span>
      <span>{story.title}</span>
      <span class="sr-only">{words}</span>
    </Link>
  )
}

function outcome({ state, ok }: { readonly state: string; readonly ok?: boolean }): readonly [string, string] {
  if (state === 'playing') return ['…', 'playing']
  if (state === 'waiting') return ['', '']
  return ok === true ? ['✓', 'every step was right'] : ['✗', 'something is not as it should be']
}
