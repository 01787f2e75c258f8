// `protocol §3.4` in a comment becomes a link to that section of the page.
import { readFileSync } from 'node:fs'
import { root } from '../scripts/install.mjs'
import { webUrl } from '../scripts/packages.mjs'

const page = readFileSync(`${root}/docs/protocol.md`, 'utf8')

/** Anchors by section number. */
const sections = new Map(
  [...page.matchAll(/^#+ ((\d+(?:\.\d+)?)\.? .*)$/gm)].map(([, heading, number]) => [number, anchorOf(heading)]),
)
const unknown = new Set()

function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** Links every mention in the comments of a project. */
export function linkProtocol(project) {
  for (const reflection of Object.values(project.reflections)) {
    const { comment } = reflection
    if (comment === undefined) continue
    for (const parts of [comment.summary, ...comment.blockTags.map(({ content }) => content)])
      for (const part of parts) if (part.kind === 'text') part.text = linked(part.text)
  }
}

function linked(text) {
  // Further sections follow after a comma: `protocol §3.4, §3.6`.
  return text.replace(/\bprotocol §\d+(?:\.\d+)?(?:,? (?:and )?§\d+(?:\.\d+)?)*/g, mention =>
    mention.replace(/(?:protocol )?§(\d+(?:\.\d+)?)/g, (named, number) => {
      const anchor = sections.get(number)
      if (anchor === undefined) unknown.add(`protocol §${number}: docs/protocol.md has no such section`)
      return `[${named}](${webUrl()}/blob/main/docs/protocol.md#${anchor})`
    }),
  )
}

/** Sections that comments name and the page does not have. */
export function unknownSections() {
  return [...unknown]
}
