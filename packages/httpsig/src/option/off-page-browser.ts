/** As in `off-page.ts`, but in a page. */
export const offPage: boolean = false
