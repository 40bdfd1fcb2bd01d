/* Stopping execution and letting it go on: both ask who and why. */

let turnsTo = "trip";

function openSwitch(wanted) {
  turnsTo = wanted;
  const stop = wanted === "trip";
  byId("switch-dialog-title").textContent = stop ? "Stop execution" : "Clear the kill switch";
  byId("switch-confirm").textContent = stop ? "Stop execution" : "Clear the switch";
  byId("switch-effect").textContent = stop
    ? "No trade is executed from now on, not even a simulated one, until a person clears the switch. Scanning goes on."
    : "Simulated trades are executed again from now on.";
  byId("switch-by").value = sessionStorage.getItem("name") ?? "";
  byId("switch-reason").value = "";
  byId("switch-error").textContent = "";
  byId("switch-dialog").showModal();
}

async function turnSwitch() {
  const by = byId("switch-by").value.trim();
  const reason = byId("switch-reason").value.trim();
  if (!by || !reason) {
    byId("switch-error").textContent = "Say who you are and why: both are recorded.";
    byId(by ? "switch-reason" : "switch-by").focus();
    return;
  }
  sessionStorage.setItem("name", by);
  try {
    await ask("kill-switch", { tripped: turnsTo === "trip", by, reason });
    byId("switch-dialog").close();
    announce(turnsTo === "trip" ? "Execution is stopped" : "The kill switch is cleared");
    refreshSoon();
  } catch (error) {
    byId("switch-error").textContent = failureText(error);
  }
}
