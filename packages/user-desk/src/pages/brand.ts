import { createHash } from 'node:crypto'
import { claimedText } from './claimed-text.js'
import { checkAccent, onAccent } from './contrast.js'
import { pictureOf } from './picture.js'
import { accents, stylesheetOf } from './stylesheet.js'

const longestName = 60
const mostBytes = 64 * 1024
/** Pixels a side. */
const mostSide = 1024

/** How the pages for users show their operator. Nothing is loaded from elsewhere. */
export interface Branding {
  /** The operator's name: at the top of every page, and in its title. One line, at most 60 characters. */
  readonly name?: string
  /** The bytes of the operator's logo: a still PNG, JPEG or WebP, at most 64 KiB and 1024 pixels a side. */
  readonly logo?: Uint8Array
  /**
   * The colour of links and buttons, as `#0b57d0`. Its contrast with the page must be at least 4.5:1, as for all text. Default:
   * a blue.
   */
  readonly accent?: string
  /** The same where users have set their devices to dark. Default: a light blue. */
  readonly accentDark?: string
}

/** What pages show of the operator, ready for use. */
export interface Brand {
  readonly name?: string | undefined
  /** A `data:` URL. */
  readonly logo?: string | undefined
  readonly stylesheet: string
  /** Lets browsers apply the stylesheet: `sha256-…`. */
  readonly styleHash: string
}

/** @throws TypeError for a name, logo or colour that is unfit */
export function brandOf(branding: Branding = {}): Brand {
  const { name, logo, accent, accentDark } = branding
  if (name !== undefined && (name === '' || claimedText(name, longestName) !== name))
    throw new TypeError(`userDesk: option 'branding.name' must be one visible line of 1 to ${longestName} characters`)
  const stylesheet = stylesheetOf({
    light: accent === undefined ? accents.light : coloursOf('accent', accent),
    dark: accentDark === undefined ? accents.dark : coloursOf('accentDark', accentDark),
  })
  return {
    name,
    logo: logo && dataUrl(logo),
    stylesheet,
    styleHash: `sha256-${createHash('sha256').update(stylesheet).digest('base64')}`,
  }
}

function coloursOf(option: 'accent' | 'accentDark', accent: string): { readonly accent: string; readonly on: string } {
  checkAccent(option, accent)
  return { accent, on: onAccent(accent) }
}

/** The media type is that of the bytes. SVG is refused, as in the logos of agents: it is a document. */
function dataUrl(logo: Uint8Array): string {
  const picture = logo.length > mostBytes ? undefined : pictureOf(logo)
  if (
    picture === undefined ||
    Math.min(picture.width, picture.height) < 1 ||
    Math.max(picture.width, picture.height) > mostSide
  )
    throw new TypeError(
      `userDesk: option 'branding.logo' must be a still PNG, JPEG or WebP, at most 64 KiB and ${mostSide} pixels a side`,
    )
  return `data:${picture.mediaType};base64,${Buffer.from(logo).toString('base64')}`
}
