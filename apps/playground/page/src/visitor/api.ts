import { useEffect, useState } from 'preact/hooks'
import type { VisitorState } from '../../../src/visitor/contract.js'
import { json, type State, type Store } from '../store.js'

/** Sends what the visitor does. @throws Error in words for the visitor */
export async function post<T>(path: string, body: object = {}): Promise<T> {
  const response = await fetch(`/api/visitor/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => undefined)
  if (response === undefined) throw new Error('The playground does not answer. Is it still running?')
  const answer = (await response.json().catch(() => ({}))) as T & { readonly error_description?: string }
  if (!response.ok) throw new Error(answer.error_description ?? `The playground answers ${response.status}.`)
  return answer
}

/** What the visitor takes part in; loaded when a view opens, and again when the playground is back. */
export function useVisitor(store: Store, { visitor, isLive }: State): VisitorState | undefined {
  useEffect(() => {
    if (!isLive) return
    json<VisitorState>('/api/visitor').then(
      loaded => store.set({ visitor: loaded }),
      () => undefined,
    )
  }, [store, isLive])
  return visitor
}

/** Something that a click starts. */
export interface Action {
  readonly isBusy: boolean
  /** Why the last attempt failed. */
  readonly problem: string
  run(work: () => Promise<unknown>): void
}

/** Runs what a click starts, one at a time, and keeps why it failed. */
export function useAction(): Action {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  return {
    isBusy,
    problem,
    run(work) {
      if (isBusy) return
      setBusy(true)
      setProblem('')
      work()
        .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
        .finally(() => setBusy(false))
    },
  }
}

/** Unix seconds, which render a component anew each second while `isOn`. */
export function useSeconds(isOn: boolean): number {
  const [now, setNow] = useState(Date.now() / 1000)
  useEffect(() => {
    if (!isOn) return
    setNow(Date.now() / 1000)
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000)
    return () => clearInterval(timer)
  }, [isOn])
  return now
}

/** Minutes and seconds until a time. */
export function remaining(until: number, now: number): string {
  const seconds = Math.max(0, Math.round(until - now))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** The time of day of Unix seconds. */
export function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString('en-GB')
}
