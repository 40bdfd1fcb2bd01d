# Wrong input is refused before anything is planned.

mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  environment     = "dev"
}

run "wrong_values" {
  command = plan
  variables {
    name          = "arbitrage-bot"
    hosting       = "premium"
    settings      = { MIN_PROFITS = "2" }
    schedules     = { scan = "* * * * *" }
    address_space = "10.0.0.0/24"
    health_test   = { every_seconds = 60 }
  }
  expect_failures = [var.name, var.hosting, var.settings, var.schedules, var.address_space, var.health_test]
}

run "a_secret_among_the_settings_and_too_few_instances_for_flex_consumption" {
  command = plan
  variables {
    settings          = { OPENAI_API_KEY = "x" }
    maximum_instances = 5
  }
  expect_failures = [var.settings, var.maximum_instances]
}

run "a_private_network_on_linux_consumption" {
  command = plan
  variables {
    hosting            = "consumption"
    private_networking = true
  }
  expect_failures = [var.hosting]
}

run "python_3_13_on_linux_consumption" {
  command = plan
  variables {
    hosting        = "consumption"
    python_version = "3.13"
  }
  expect_failures = [var.hosting]
}

run "a_container_without_an_image" {
  command = plan
  variables {
    hosting = "container_apps"
  }
  expect_failures = [var.container_image]
}
