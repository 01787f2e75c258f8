import type { JSX } from 'preact'
import type { Party, Story, StoryRun } from '../../../src/explorer/contract.js'
import { harOf } from '../../../src/sequence/har.js'
import { markdownOf } from '../../../src/sequence/markdown.js'

interface ExportsProps {
  readonly story: Story
  readonly run: StoryRun
  readonly parties: readonly Party[]
}

/** Takes the run away: as an HTTP Archive for tools, or as Markdown for people. */
export function Exports({ story, run: { messages, checks }, parties }: ExportsProps): JSX.Element {
  const har = (): string => JSON.stringify(harOf(messages, parties), null, 2)
  const markdown = (): string => markdownOf({ title: story.title, messages, checks, parties })
  return (
    <p class="exports">
      Save as{' '}
      <button type="button" onClick={() => save(`${story.name}.har`, 'application/json', har())}>
        HAR
      </button>{' '}
      <button type="button" onClick={() => save(`${story.name}.md`, 'text/markdown', markdown())}>
        Markdown
      </button>
    </p>
  )
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
