import { freeBase } from '@countersign/testing/ports'
import { expect } from 'vitest'
import { run } from './processes.fixture.js'

/** What `countersign playground --scenario … --json` prints. */
export interface Played {
  readonly ok: boolean
  readonly scenarios: ReadonlyArray<{
    readonly scenario: string
    readonly ok: boolean
    readonly checks: ReadonlyArray<{ readonly title: string; readonly ok: boolean; readonly seen?: string }>
    readonly messages: ReadonlyArray<{ readonly at: number; readonly request: { readonly target: string } }>
  }>
}

/** Plays a scenario, or `all`: each check of it holds, and its messages stand in their order. */
export async function play(scenario: string): Promise<{ readonly code: number | null; readonly played: Played }> {
  const port = String(await freeBase())
  const { code, stdout, stderr } = await run(['playground', '--port', port, '--scenario', scenario, '--json'])
  expect(stdout, stderr).not.toBe('')
  const played = JSON.parse(stdout) as Played
  const wrong = played.scenarios.flatMap(({ scenario, checks }) =>
    checks.filter(check => !check.ok).map(check => ({ scenario, ...check })),
  )
  expect(wrong, stderr).toEqual([])
  for (const { messages } of played.scenarios) {
    expect(messages.length).toBeGreaterThan(3)
    expect(messages.map(message => message.at)).toEqual(messages.map(message => message.at).sort((a, b) => a - b))
  }
  return { code, played }
}
