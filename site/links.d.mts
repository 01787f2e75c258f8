/** The place on the site of what a file links to: another page, an image beside it, or the repository for what is no page. */
export function siteLink(
  href: string,
  place: {
    readonly file: string
    readonly pages: ReadonlyMap<string, string>
    readonly isFolder: (path: string) => boolean
    readonly repository: string
  },
): string
/** The name that GitHub gives a heading. */
export function headingName(text: string): string
/** The clause ids of the protocol page. */
export function clausesIn(protocol: string): Set<string>
