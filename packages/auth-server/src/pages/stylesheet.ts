/** The one stylesheet of all pages; it stands inside each, and its hash in their policy. */
export const stylesheet: string = `body{font:16px/1.5 system-ui,sans-serif}`
