/** The pages of the mail catcher. */

import { type CaughtMail, escapeHtml } from "./mail.ts";

const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  td, th { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ccc }
  iframe { width: 100%; height: 24rem; border: 1px solid #ccc }
  pre { white-space: pre-wrap; overflow-wrap: anywhere }
`;

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}
</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** The list of mails, newest first. */
export function listPage(mails: CaughtMail[]): string {
  const rows = mails.map((mail) =>
    `<tr><td>${escapeHtml(mail.sent_at)}</td>
     <td><a href="/?to=${encodeURIComponent(mail.to)}">${escapeHtml(mail.to)}</a></td>
     <td><a href="/messages/${mail.id}">${escapeHtml(mail.subject)}</a></td></tr>`
  );
  const table = `<table><tr><th>Sent</th><th>To</th><th>Subject</th></tr>${rows.join("")}</table>`;
  return page("Mail", `<h1>Mail</h1>${rows.length ? table : "<p>No mail has been sent yet.</p>"}`);
}

/** One mail. Its HTML is shown in a sandboxed frame, which runs no scripts. */
export function messagePage(mail: CaughtMail): string {
  const href = mail.link ?? "";
  const link = href && `<p><a href="${escapeHtml(href)}">${escapeHtml(href)}</a></p>`;
  return page(
    mail.subject,
    `<p><a href="/">All mail</a></p><h1>${escapeHtml(mail.subject)}</h1>
     <p>From ${escapeHtml(mail.from)} to ${escapeHtml(mail.to)}, ${escapeHtml(mail.sent_at)}</p>
     ${link}<iframe sandbox title="The mail" srcdoc="${escapeHtml(mail.html)}"></iframe>
     <pre>${escapeHtml(mail.text)}</pre>`,
  );
}
