/** Pages that ask before something is done: what it means, and why it is done. */
import { html, type Html } from '../../pages/html.js'
import { proofField } from './layout.js'

export interface ActView {
  /** What it means, in plain words. */
  readonly meaning: string
  /** Where the form goes. */
  readonly address: string
  /** Where one goes back to. */
  readonly back: string
  readonly verb: string
  readonly proof: string
  readonly needsReason: boolean
  /** What has to be confirmed where it cannot be proved. */
  readonly force?: string
  /** Why it was not done, where it was tried. */
  readonly problem?: string
  readonly reason?: string
}

export function actContent(view: ActView): Html {
  const { meaning, address, back, verb, proof, needsReason, force, problem, reason } = view
  return html`<p>${meaning}</p>
    ${problem === undefined ? undefined : html`<p class="bad" role="alert">${problem}</p>`}
    <form method="post" action="${address}">
      ${proofField(proof)}
      ${
        needsReason
          ? html`<p>
              <label
                >Why? It stands in the journal, beside who you are.<br /><input
                  class="wide"
                  name="reason"
                  required
                  maxlength="2000"
                  autocomplete="off"
                  value="${reason ?? ''}"
              /></label>
            </p>`
          : undefined
      }
      ${
        force === undefined
          ? undefined
          : html`<p>
              <label
                ><input type="checkbox" name="force" value="true" required /> ${force}</label
              >
            </p>`
      }
      <p>
        <button class="main">${verb}</button>
        <a class="button" href="${back}">Leave it as it is</a>
      </p>
    </form>`
}
