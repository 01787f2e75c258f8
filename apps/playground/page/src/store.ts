import { useEffect, useState } from 'preact/hooks'
import type { Scoreboard } from '../../src/attacks/contract.js'
import type { BesideEvent } from '../../src/beside/event.js'
import type { House, LiveEvent, ShownMessage, StoryRun } from '../../src/explorer/contract.js'
import type { VisitorState } from '../../src/visitor/contract.js'

/** What the page knows. */
export interface State {
  readonly house: House | undefined
  /** Runs by story. */
  readonly runs: Readonly<Record<string, StoryRun>>
  /** Messages outside of stories, oldest first. */
  readonly others: readonly ShownMessage[]
  /** The latest message, whatever it belongs to: the map lights up for it. */
  readonly latest: ShownMessage | undefined
  /** What the comparison with OAuth does at the moment. */
  readonly beside: BesideEvent | undefined
  /** What the visitor takes part in; undefined until a view has loaded it. */
  readonly visitor: VisitorState | undefined
  /** Whether events arrive. */
  readonly isLive: boolean
  /** What came of the attacks; undefined until the page has asked. */
  readonly scoreboard: Scoreboard | undefined
}

/** A state that components follow. */
export interface Store {
  get(): State
  set(change: Partial<State>): void
  follow(listener: () => void): () => void
}

/** Most messages outside of stories that the page keeps. */
const mostOthers = 500

export function createStore(): Store {
  let state: State = {
    house: undefined,
    runs: {},
    others: [],
    latest: undefined,
    beside: undefined,
    scoreboard: undefined,
    visitor: undefined,
    isLive: false,
  }
  const listeners = new Set<() => void>()
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...change }
      for (const listener of listeners) listener()
    },
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** The state, which renders a component anew when it changes. */
export function useStore(store: Store): State {
  const [state, setState] = useState(store.get())
  useEffect(() => {
    const update = (): void => setState(store.get())
    update()
    return store.follow(update)
  }, [store])
  return state
}

const waiting = (story: string): StoryRun => ({ story, state: 'waiting', checks: [], messages: [] })

/** The run of a story, as far as the page knows it. */
export function runOf({ runs }: State, story: string): StoryRun {
  return runs[story] ?? waiting(story)
}

/** Loads what does not change, and follows what happens. */
export function connect(store: Store): void {
  const events = new EventSource('/api/events')
  events.addEventListener('hello', async () => {
    const [house, others] = await Promise.all([json<House>('/api/house'), json<ShownMessage[]>('/api/messages')])
    store.set({ house, others, isLive: true })
    // What was missed while the connection was away.
    await Promise.all(Object.keys(store.get().runs).map(story => loadRun(store, story)))
    if (store.get().scoreboard !== undefined) await loadScoreboard(store)
  })
  events.onerror = () => store.set({ isLive: false })
  events.onmessage = ({ data }) => apply(store, JSON.parse(String(data)) as LiveEvent)
}

/** Loads the last run of a story. */
export async function loadRun(store: Store, story: string): Promise<void> {
  const run = await json<StoryRun>(`/api/stories/${story}`)
  store.set({ runs: { ...store.get().runs, [story]: { ...run, messages: inOrder(run.messages) } } })
}

/** Plays a story; its messages come as events. */
export async function playStory(store: Store, story: string): Promise<void> {
  store.set({ runs: { ...store.get().runs, [story]: { ...waiting(story), state: 'playing' } } })
  await fetch(`/api/stories/${story}`, { method: 'POST' })
}

function apply(store: Store, event: LiveEvent): void {
  const state = store.get()
  const change = (story: string, changed: (run: StoryRun) => StoryRun): void =>
    store.set({ runs: { ...store.get().runs, [story]: changed(runOf(state, story)) } })
  if (event.type === 'check') {
    change(event.story, run => ({ ...run, checks: [...run.checks, event.check] }))
    return
  }
  if (event.type === 'story') {
    const { ok } = event
    change(event.story, run =>
      event.state === 'playing'
        ? { ...waiting(event.story), state: 'playing' }
        : { ...run, state: event.state, ...(ok === undefined ? {} : { ok }) },
    )
    return
  }
  if (event.type === 'beside') {
    store.set({ beside: event })
    return
  }
  if (event.type === 'attack') {
    if (state.scoreboard !== undefined) store.set({ scoreboard: withResult(state.scoreboard, event) })
    return
  }
  if (event.type === 'visitor') {
    if (state.visitor !== undefined) store.set({ visitor: { ...state.visitor, ...event.visitor } })
    return
  }
  if (event.type === 'afresh') {
    location.reload()
    return
  }
  const { message, story } = event
  store.set({ latest: message })
  if (story === undefined) store.set({ others: [...state.others, message].slice(-mostOthers) })
  else change(story, run => ({ ...run, messages: inOrder([...run.messages, message]) }))
}

function withResult(board: Scoreboard, event: Extract<LiveEvent, { readonly type: 'attack' }>): Scoreboard {
  const { state, result } = event
  if (result !== undefined)
    return { ...board, state, results: [...board.results.filter(one => one.attack !== result.attack), result] }
  return { ...board, state, results: state === 'running' ? [] : board.results }
}

/** Loads the scoreboard; what comes after that comes as events. */
export async function loadScoreboard(store: Store): Promise<void> {
  store.set({ scoreboard: await json<Scoreboard>('/api/scoreboard') })
}

/** By arrival: a message that causes others ends after them. */
function inOrder(messages: readonly ShownMessage[]): ShownMessage[] {
  const unique = new Map(messages.map(message => [message.id, message]))
  return [...unique.values()].sort((a, b) => a.at - b.at)
}

/** Reads JSON of the playground. @throws Error with what it answered instead */
export async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init)
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`)
  return (await response.json()) as T
}
